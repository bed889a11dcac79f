import { t } from './i18n.js';
import { calm, h, text } from './dom.js';
import { fault } from './api.js';

const SEGMENTS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'dp'];

// ledBoard draws the board above one counter: the segments that the emulated board lights, and beside them what
// the branch itself says of this board.
export function ledBoard(counter) {
  let town = null;
  let lit = '';
  const digits = h('div.led-digits', { role: 'img' });
  const state = h('p.seen');
  const cable = h('button.cable', { type: 'button', onclick: pull });
  const node = h('div.led', { hidden: true }, digits, h('div.led-side', null, state, cable));

  const mine = () => town.now.boards.find((b) => b.counter === counter);

  async function pull() {
    const board = mine();
    try {
      await fault({ branch: town.now.id, device: board.name, fault: board.fault === 'unplug' ? 'none' : 'unplug' });
    } catch (error) {
      town.say(error.message);
    }
  }

  // light sets the segments. Who wants no motion sees a flashing number stand still.
  function light(board) {
    const next = (calm.matches ? board.steady : board).segments;
    if (lit === next.join()) return;
    lit = next.join();
    digits.replaceChildren(...next.map((bits) => h('span.led-digit', null,
      ...SEGMENTS.map((name, i) => h(`i.${name}${bits >> i & 1 ? '.on' : ''}`)))));
  }

  node.update = (next) => {
    town = next;
    const board = mine();
    node.hidden = !board;
    if (!board) return;
    light(board);
    const pulled = board.fault === 'unplug';
    const shown = board.steady.text || t('board.dark');
    const label = t(board.flashing ? 'board.flashes' : 'board.shows', { n: counter, text: shown });
    if (digits.getAttribute('aria-label') !== label) digits.setAttribute('aria-label', label);
    digits.title = `${board.name}: ${board.kind}`;
    Object.assign(node.dataset, { board: board.name, text: board.steady.text, flashes: board.flashes });
    node.classList.toggle('pulled', pulled);
    node.classList.toggle('flashing', board.flashing);
    const device = town.now.health.get(board.name);
    const reason = device?.reason ? t(`reason.${device.reason}`) : '';
    text(state, device ? t(`board.${device.state}`, { reason }).replace(/, $/, '') : t('device.unknown'));
    state.dataset.state = device?.state ?? '';
    text(cable, t(pulled ? 'board.plug' : 'board.unplug'));
    cable.setAttribute('aria-label', `${t(pulled ? 'board.plug' : 'board.unplug')}: ${board.name}`);
    cable.setAttribute('aria-pressed', String(pulled));
  };
  return node;
}
