import { t } from './i18n.js';
import { h, show, text } from './dom.js';
import { fault } from './api.js';

let on = false; // a browser plays no sound before the visitor has asked for it
let audio = null;

// voice shows what the loudspeaker of the hall says, and plays it when the switch is on. The sound is the file that
// the branch's agent has handed to its player.
export function voice(root) {
  let town = null;
  const caption = h('p.v-caption', { 'aria-live': 'polite' });
  const label = h('span');
  const toggle = h('button.v-switch', { type: 'button', role: 'switch', onclick: () => { on = !on; if (!on) hush(); update(town); } }, h('i', { 'aria-hidden': 'true' }), label);
  const state = h('p.seen');
  const cable = h('button.cable', { type: 'button', onclick: pull });
  const side = h('div.v-side', null, state, cable);
  const none = h('p.empty');
  root.replaceChildren(h('div.v-head', null, h('h3', null, t('voice.title')), toggle), caption, side, none);

  async function pull() {
    try {
      await fault({ branch: town.now.id, device: 'speaker', fault: town.now.speaker.fault === 'unplug' ? 'none' : 'unplug' });
    } catch (error) {
      town.say(error.message);
    }
  }

  function update(next) {
    if (!next) return;
    town = next;
    const { speaker, health } = town.now;
    const device = health.get('speaker');
    const { state: voiceState = 'building', reason, detail } = town.voice ?? {};
    const has = voiceState !== 'none';
    const { sound } = speaker;
    toggle.setAttribute('aria-checked', String(on));
    text(label, t(on ? 'voice.on' : 'voice.off'));
    text(none, has ? (voiceState === 'ready' ? '' : `${t(`voice.${voiceState}`)} ${detail ?? ''}`.trim()) : t(`voice.none.${reason}`));
    show(none, none.textContent !== '');
    for (const el of [toggle, side]) show(el, has);
    text(caption, sound ? sound.text || t('voice.unknown') : t('voice.quiet'));
    caption.lang = sound?.text ? sound.language : '';
    show(caption, has);
    root.classList.toggle('speaking', speaker.playing);
    const pulled = speaker.fault === 'unplug';
    const why = device?.reason ? t(`reason.${device.reason}`) : '';
    text(state, device ? t(`voice.device.${device.state}`, { reason: why }) : t('device.unknown'));
    state.dataset.state = device?.state ?? '';
    text(cable, t(pulled ? 'board.plug' : 'board.unplug'));
    cable.setAttribute('aria-label', `${t(pulled ? 'board.plug' : 'board.unplug')}: ${t('voice.title')}`);
    cable.setAttribute('aria-pressed', String(pulled));
    follow(town, root);
  }
  return update;
}

let played = null; // the sound that was begun last, by its address and time

// follow begins a sound with the loudspeaker and breaks it off with it.
function follow(town, root) {
  const { speaker, id } = town.now;
  if (!speaker.playing) {
    if (speaker.fault === 'unplug' || audio?.branch !== id) hush();
    return;
  }
  const key = `${speaker.sound.wav}/${speaker.sound.at}`;
  if (played === key) return;
  played = key;
  if (!on || !town.present) return;
  hush();
  audio = new Audio(speaker.sound.wav);
  audio.branch = id;
  audio.addEventListener('playing', () => { root.dataset.heard = speaker.sound.n; });
  audio.play().catch(() => { on = false; town.say(t('voice.blocked')); });
}

function hush() {
  audio?.pause();
  audio = null;
}
