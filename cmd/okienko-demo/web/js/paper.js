import { t } from './i18n.js';
import { calm, h, keyed, show, text } from './dom.js';

const TABS = ['picture', 'text', 'bytes'];

// paper shows what the emulated printer has cut: the newest one large, those before as thumbnails.
export function paper(root) {
  let tab = 'picture';
  let chosen = null; // a ticket that was picked by hand
  let newest = '';
  let branch = '';
  let town = null;
  let live = false; // false until what was cut before the page came has been drawn
  const tabs = h('div.tabs', { role: 'tablist' });
  const image = h('img.ticket', { alt: '', hidden: true });
  const roll = h('div.roll', null, image);
  const words = h('div.words', { hidden: true });
  const hex = h('pre.hex', { hidden: true, tabIndex: 0 });
  const none = h('p.empty');
  const panel = h('div.sheet', { role: 'tabpanel' }, none, roll, words, hex);
  const facts = h('p.facts');
  const before = h('div.before');
  const earlier = h('h3');
  root.replaceChildren(h('div.paper-head', null, h('h3', null, t('paper.title')), tabs), panel, facts, earlier, before);

  const pick = (ticket) => { chosen = ticket; update(town); };

  function slideOut(ticket) {
    if (calm.matches) return;
    roll.classList.remove('cutting');
    void roll.offsetWidth; // restarts the animation
    roll.classList.add('cutting');
    image.dataset.n = ticket.n;
  }

  function draw(ticket) {
    const number = numberOf(ticket);
    if (image.dataset.src !== ticket.png) {
      image.dataset.src = ticket.png;
      image.src = ticket.png;
    }
    image.alt = t('paper.alt', { number });
    words.replaceChildren(
      h('h4', null, t('paper.lines')), h('ul.lines', null, ...ticket.lines.map((line) => h('li', null, line))),
      h('h4', null, t('paper.qr')), ...ticket.qr.map((code) => h('code', null, code)),
      h('h4', null, t('paper.warnings')),
      ticket.warnings.length ? h('ul.warnings', null, ...ticket.warnings.map((w) => h('li', null, w))) : h('p.fine', null, t('paper.noWarnings')));
    const said = [t('paper.bytesOf', { n: ticket.size })];
    if (ticket.cut === 'none') said.push(t('paper.torn'));
    const print = town.now.prints.get(number);
    if (print?.grade || print?.state === 'unknown') said.push(t(`paper.grade.${print.grade ?? 'unknown'}`));
    text(facts, said.join(' · '));
    if (tab === 'bytes') dump(ticket);
  }

  async function dump(ticket) {
    if (hex.dataset.src === ticket.raw) return;
    hex.dataset.src = ticket.raw;
    hex.textContent = t('paper.loading');
    const bytes = new Uint8Array(await (await fetch(ticket.raw)).arrayBuffer());
    if (hex.dataset.src === ticket.raw) hex.textContent = hexDump(bytes);
  }

  function update(next) {
    if (!next) return;
    if (branch !== next.now.id) { chosen = null; newest = ''; live = false; }
    town = next;
    branch = town.now.id;
    const tickets = town.now.tickets;
    const last = tickets.at(-1);
    const key = last ? last.png : '';
    if (key !== newest) {
      newest = key;
      chosen = null;
      if (last && live) slideOut(last);
    }
    live = town.present;
    const ticket = chosen ?? last;
    keyed(tabs, TABS, (name) => name,
      (name) => h('button', { type: 'button', role: 'tab', onclick: () => { tab = name; update(town); } }),
      (node, name) => { text(node, t(`paper.${name}`)); node.setAttribute('aria-selected', String(name === tab)); });
    text(none, t('paper.none'));
    show(none, !ticket);
    show(image, Boolean(ticket));
    show(roll, Boolean(ticket) && tab === 'picture');
    show(words, Boolean(ticket) && tab === 'text');
    show(hex, Boolean(ticket) && tab === 'bytes');
    show(facts, Boolean(ticket));
    if (ticket) draw(ticket);
    const old = tickets.slice(0, -1).reverse();
    text(earlier, t('paper.before'));
    show(earlier, old.length > 0);
    keyed(before, old, (x) => x.png,
      (x) => h('button.thumb', { type: 'button', title: numberOf(x), onclick: () => pick(x) },
        h('img', { src: x.png, alt: t('paper.alt', { number: numberOf(x) }), loading: 'lazy' })),
      (node, x) => node.setAttribute('aria-pressed', String(x === chosen)));
  }
  return update;
}

// numberOf finds the ticket's number among its printed lines.
export function numberOf(ticket) {
  return ticket.lines.map((line) => line.trim()).find((line) => /^[A-Z][1-9]\d{0,3}$/.test(line)) ?? '';
}

function hexDump(bytes) {
  const rows = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const row = bytes.subarray(at, at + 8);
    const hex = [...row].map((b) => b.toString(16).padStart(2, '0')).join(' ').padEnd(23);
    const plain = [...row].map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : '·')).join('');
    rows.push(`${at.toString(16).padStart(4, '0')}  ${hex}  ${plain}`);
  }
  return rows.join('\n');
}
