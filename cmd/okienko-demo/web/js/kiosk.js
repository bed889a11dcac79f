import { count, language, say, LANGUAGES } from './i18n.js';
import { h, keyed, minutes, show, text } from './dom.js';
import { command } from './api.js';
import { nameOf } from './town.js';

const SHOWN_MS = 8000; // how long the number stays for a visitor without paper

// kiosk draws the ticket machine. Its language is the visitor's and not the page's, as in a hall.
export function kiosk(root) {
  let code = language();
  let shown = null;
  let town = null;

  const strip = h('div.k-languages');
  const title = h('p.k-title');
  const buttons = h('div.k-services');
  const banner = h('p.k-banner', { role: 'status', hidden: true });
  const number = h('strong.k-number');
  const ahead = h('span');
  const hint = h('span.k-hint');
  const label = h('span');
  const result = h('div.k-result', { role: 'status', 'aria-live': 'polite', hidden: true, onclick: () => dismiss() }, label, number, ahead, hint, h('i.k-bar'));
  const off = h('p.k-off');
  const screen = h('div.k-screen', null, h('div.k-top', null, h('p.k-name'), strip), banner, h('div.k-body', null, title, buttons, result), off);
  root.replaceChildren(screen, h('div.k-slot', { 'aria-hidden': 'true' }, h('i.k-lamp'), h('i.k-mouth')));

  function dismiss() {
    clearTimeout(shown?.timer);
    shown = null;
    update(town);
  }
  const choose = (next) => { code = next; update(town); };

  async function press(service, button) {
    button.classList.add('busy');
    button.disabled = true;
    try {
      const ticket = await command(town.now.id, 'tickets', { service: service.id, language: code });
      clearTimeout(shown?.timer);
      shown = { ticket, branch: town.now.id, timer: setTimeout(dismiss, SHOWN_MS) };
      result.classList.remove('fresh');
      void result.offsetWidth; // starts the bar anew
      result.classList.add('fresh');
    } catch (error) {
      town.say(error.message);
    }
    button.classList.remove('busy');
    button.disabled = false;
    update(town);
  }

  function makeService(service) {
    const button = h('button.k-service', { type: 'button' },
      h('span.letter', null, service.letter), h('span.k-what'), h('span.k-waiting'));
    button.addEventListener('click', () => press(button.service, button));
    return button;
  }

  function updateService(button, service) {
    button.service = service;
    text(button.children[1], nameOf(service, code));
    const closed = service.open === false;
    const wait = waitText(code, service.wait);
    const waiting = count(code, 'kiosk.waiting', service.waiting ?? 0);
    text(button.children[2], closed ? say(code, 'kiosk.closed') : [waiting, wait].filter(Boolean).join(' · '));
    if (!button.classList.contains('busy')) button.disabled = closed;
  }

  function update(next) {
    if (!next) return;
    town = next;
    const { now } = town;
    text(screen.querySelector('.k-name'), now.name);
    keyed(strip, LANGUAGES, ([c]) => c,
      ([c, name]) => h('button', { type: 'button', lang: c, onclick: () => choose(c) }, name),
      (node, [c]) => node.setAttribute('aria-pressed', String(c === code)));
    text(title, say(code, 'kiosk.choose'));
    keyed(buttons, now.queue?.services ?? [], (s) => s.id, makeService, updateService);
    const trouble = paperTrouble(now.device);
    text(banner, trouble ? say(code, trouble) : '');
    show(banner, Boolean(trouble));
    banner.classList.toggle('mild', trouble === 'kiosk.nearEnd');
    root.classList.toggle('printing', Boolean(now.printer?.printing));
    root.classList.toggle('trouble', Boolean(trouble) && trouble !== 'kiosk.nearEnd');
    show(result, Boolean(shown) && shown.branch === now.id);
    if (shown) {
      text(label, say(code, 'kiosk.number'));
      text(number, shown.ticket.number);
      text(ahead, count(code, 'kiosk.ahead', shown.ticket.ahead));
      text(hint, say(code, trouble && trouble !== 'kiosk.nearEnd' ? 'kiosk.remember' : 'kiosk.take'));
    }
    const dead = now.agent?.state === 'down' || (now.agent?.state === 'starting' && now.agent.starts > 1);
    text(off, dead ? say(code, 'hall.off') : say(code, 'state.loading'));
    show(off, now.agent?.state !== 'up');
  }
  return update;
}

function waitText(code, wait) {
  if (!wait) return '';
  const [low, high] = [minutes(wait.low), minutes(wait.high)];
  if (wait.high < 60) return say(code, 'kiosk.waitNow');
  return say(code, low === high ? 'kiosk.waitOne' : 'kiosk.wait', { low, high });
}

// paperTrouble says which banner the branch's own account of its printer asks for.
export function paperTrouble(device) {
  if (!device || device.state === 'ready') return '';
  if (device.state === 'degraded') return device.reason === 'paper-near-end' ? 'kiosk.nearEnd' : '';
  return device.reason === 'paper-out' ? 'kiosk.paperOut' : 'kiosk.printerFault';
}
