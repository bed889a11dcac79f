import { t } from './i18n.js';
import { h, keyed, text } from './dom.js';
import { fault, finger } from './api.js';
import { nameOf } from './town.js';

const TAP_MS = 200; // a press by a program or a screen reader, which have no finger to lift

// panel draws the row of push buttons. A button is down for as long as it is held, so that a long press, a
// stuck button and hammering can be tried; its lamp shines as the branch lights it.
export function panel(root) {
  let town = null;
  const row = h('div.p-row');
  const state = h('p.seen');
  const pull = () => act(fault, { device: 'panel', fault: town.now.panel.fault === 'unplug' ? 'none' : 'unplug' });
  const cable = h('button.cable', { type: 'button', onclick: pull });
  root.replaceChildren(h('h3', null, t('panel.title')), row, h('div.p-side', null, state, cable));

  async function act(ask, body) {
    try {
      await ask({ branch: town.now.id, ...body });
    } catch (error) {
      town.say(error.message);
    }
  }

  function makeButton(_, n) {
    const button = h('button.p-button', { type: 'button' }, h('i.p-lamp'), h('span'));
    let held = false;
    let typed = false;
    const move = (down) => {
      if (held === down) return;
      held = down;
      act(finger, { button: n + 1, down });
    };
    const isKey = (e) => e.key === ' ' || e.key === 'Enter';
    button.addEventListener('pointerdown', () => move(true));
    for (const end of ['pointerup', 'pointerleave', 'pointercancel', 'blur']) button.addEventListener(end, () => move(false));
    button.addEventListener('keydown', (e) => { if (isKey(e)) { typed = true; move(true); } });
    button.addEventListener('keyup', (e) => { if (isKey(e)) move(false); });
    button.addEventListener('click', (e) => {
      if (e.detail === 0 && !typed) { move(true); setTimeout(() => move(false), TAP_MS); }
      typed = false;
    });
    return button;
  }

  return (next) => {
    town = next;
    const { now } = town;
    const numbered = now.panel.buttons.map((b, n) => ({ ...b, n }));
    keyed(row, numbered, (b) => b.service, (b) => makeButton(b, b.n), (el, b) => {
      const service = now.queue?.services.find((s) => s.id === b.service);
      text(el.lastChild, service?.letter ?? b.service);
      el.setAttribute('aria-label', `${t('panel.button', { n: b.n + 1 })}: ${nameOf(service)}`);
      el.title = nameOf(service);
      el.classList.toggle('lit', b.lit);
      el.classList.toggle('down', b.down);
    });
    const device = now.health.get('panel');
    const reason = device?.reason ? t(`reason.${device.reason}`) : '';
    text(state, device ? t(`panel.${device.state}`, { reason }).replace(/, $/, '') : t('device.unknown'));
    state.dataset.state = device?.state ?? '';
    const pulled = now.panel.fault === 'unplug';
    text(cable, t(pulled ? 'board.plug' : 'board.unplug'));
    cable.setAttribute('aria-label', `${t(pulled ? 'board.plug' : 'board.unplug')}: ${t('panel.title')}`);
    cable.setAttribute('aria-pressed', String(pulled));
  };
}
