// The clerk's terminal. It holds no state of its own: every button sends one command with the
// ticket that the clerk saw, and what is shown is what the branch says.
import { byId, count, element, follow, lang, options, post, put, Refused, text } from './common.js';

const COOL_MS = 700; // the second half of a double click is not a wish for another visitor
let queue = options.queue, busy = false, coolUntil = 0, undoEnds = 0, undoTimer;
let mine = Number(new URLSearchParams(location.search).get('counter')) || Number(sessionStorage.getItem('counter')) || 0;

const counter = () => queue.counters.find((c) => c.id === mine);
const present = () => counter()?.ticket ?? null;
const serviceName = (id) => {
  const service = queue.services.find((s) => s.id === id);
  return service ? service.names[lang] ?? service.names.pl : id;
};
const at = (time) => new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: options.zone }).format(new Date(time));

function render() {
  const choice = byId('counter');
  const wanted = [element('option', { value: '' }, text('clerk.choose')),
    ...queue.counters.map((c) => element('option', { value: c.id }, (c.name || text('clerk.counter_n', { n: c.id })) + (c.clerk && c.id !== mine ? ` (${c.clerk})` : '')))];
  if (choice.options.length !== wanted.length || wanted.some((o, i) => o.text !== choice.options[i].text)) choice.replaceChildren(...wanted);
  choice.value = counter() ? String(mine) : '';

  const c = counter(), ticket = present();
  const state = byId('state');
  put(state, c ? text('clerk.state_' + c.state) + (c.leaving ? ' · ' + text('clerk.leaving_' + c.leaving) : '') : '');
  state.dataset.state = c?.state ?? '';
  const number = byId('number');
  put(number, ticket ? ticket.number : text(c ? (c.state === 'open' ? 'clerk.nobody' : 'clerk.not_open') : 'clerk.choose_first'));
  number.classList.toggle('none', !ticket);
  put(byId('about'), ticket ? about(ticket) : '');
  put(byId('next-label'), text(ticket ? 'clerk.next' : 'clerk.call_first'));
  buttons(c, ticket);
  lists(c);
}

function about(ticket) {
  const parts = [serviceName(ticket.service), text('clerk.ticket_' + ticket.state, { time: at(ticket.called_at ?? ticket.issued), n: ticket.calls })];
  if (ticket.priority) parts.push(text('clerk.priority'));
  if (ticket.class === 'booked') parts.push(text('clerk.booked'));
  if (ticket.language && ticket.language !== 'pl') parts.push(text('clerk.speaks_' + ticket.language));
  return parts.join(' · ');
}

function buttons(c, ticket) {
  const open = c?.state === 'open';
  const enable = (id, yes) => { byId(id).disabled = !yes; };
  enable('next', open && !busy);
  for (const id of ['no-show', 'recall', 'finish', 'transfer', 'park', 'reprint', 'cancel']) enable(id, ticket && !busy);
  enable('start', ticket?.state === 'called' && !busy);
  const show = (id, yes) => { byId(id).hidden = !yes; byId(id).disabled = busy; };
  show('open', c?.state === 'closed');
  show('pause', open);
  show('resume', c?.state === 'paused' || (open && c?.leaving));
  show('close', c && c.state !== 'closed');
}

function lists(c) {
  const serves = (ticket) => c?.services.includes(ticket.service);
  const call = (ticket) => element('button', { onclick: () => callChosen(ticket), 'aria-label': text('clerk.call_one', { number: ticket.number }), disabled: busy || c?.state !== 'open' || Boolean(present()) }, text('clerk.call'));
  const back = (ticket) => element('button', { onclick: () => send(`/tickets/${ticket.id}/return`), 'aria-label': text('clerk.return_one', { number: ticket.number }), disabled: busy }, text('clerk.return'));
  byId('waiting').replaceChildren(...queue.waiting.map((ticket) => element('tr', {},
    element('td', { class: serves(ticket) ? 'mine' : null }, ticket.number + (ticket.priority ? ' ★' : '')),
    element('td', {}, serviceName(ticket.service)), element('td', {}, at(ticket.issued)),
    element('td', {}, serves(ticket) ? call(ticket) : ''))));
  const chip = (ticket) => element('li', {}, element('strong', {}, ticket.number), ticket.calls ? count('clerk.calls', ticket.calls) : '', ...(serves(ticket) ? [call(ticket)] : []), back(ticket));
  const again = (ticket) => element('button', { onclick: () => send(`/tickets/${ticket.id}/reprint`, { mark: 'reprint' }), 'aria-label': text('clerk.print_one', { number: ticket.number }), disabled: busy }, text('clerk.print_again'));
  byId('unprinted').replaceChildren(...queue.unprinted.map((ticket) => element('li', {}, element('strong', {}, ticket.number), again(ticket))));
  byId('unprinted-part').hidden = queue.unprinted.length === 0;
  for (const name of ['absent', 'parked']) byId(name).replaceChildren(...queue[name].map(chip));
  for (const name of ['waiting', 'unprinted', 'absent', 'parked']) put(byId(name + '-count'), String(queue[name].length));
}

/** adopt takes the counter as an answer shows it, before the stream brings the whole queue. */
function adopt(c) {
  if (!c?.id) return;
  queue.counters = queue.counters.map((old) => (old.id === c.id ? c : old));
  if (c.id === mine) offerUndo(c);
}

function offerUndo(c) {
  clearInterval(undoTimer);
  const button = byId('undo');
  undoEnds = performance.now() + (c?.undo_ms ?? 0);
  const tick = () => {
    const left = Math.ceil((undoEnds - performance.now()) / 1000);
    button.hidden = left <= 0;
    if (left <= 0) clearInterval(undoTimer);
    else put(button, text('clerk.undo', { n: left }));
  };
  tick();
  undoTimer = setInterval(tick, 200);
}

/** send carries one command out. While it runs every button is off: there is one wish at a time. */
async function send(path, body) {
  if (busy) return;
  busy = true;
  put(byId('message'), '');
  render();
  try {
    const answer = await post(path, body);
    adopt(answer.counter?.id ? answer.counter : answer);
    if ('ticket' in answer && 'counter' in answer && !answer.ticket) put(byId('message'), text('clerk.nobody_waits'));
  } catch (error) {
    if (error.status === 401) { location.assign(`/clerk?lang=${lang}`); return; }
    if (error.body?.counter) adopt(error.body.counter);
    put(byId('message'), error instanceof Refused ? error.message : text('clerk.offline'));
  } finally {
    busy = false;
    if (path.endsWith('/next')) coolUntil = performance.now() + COOL_MS;
    render();
  }
}

const seen = () => ({ seen: present()?.id ?? '' });
const toCounter = (name, body) => send(`/counters/${mine}/${name}`, body);
const toTicket = (name, body) => present() && send(`/tickets/${present().id}/${name}`, body);
const actions = {
  next: () => toCounter('next', seen()),
  'no-show': () => toCounter('no-show', seen()),
  recall: () => toCounter('recall'),
  start: () => toCounter('start'),
  finish: () => toCounter('finish', seen()),
  open: () => toCounter('open'),
  pause: () => toCounter('pause'),
  resume: () => toCounter('resume'),
  close: () => toCounter('close'),
  undo: () => toCounter('undo'),
  park: () => toTicket('park'),
  reprint: () => toTicket('reprint'),
  transfer: async () => {
    const places = [...queue.services.map((s) => ['s' + s.id, `${s.letter} · ${serviceName(s.id)}`]),
      ...queue.counters.filter((c) => c.id !== mine).map((c) => ['c' + c.id, c.name || text('clerk.counter_n', { n: c.id })])];
    const to = await ask(text('clerk.transfer_title', { number: present().number }), text('clerk.transfer'), { label: text('clerk.where'), places });
    if (to) toTicket('transfer', to.place[0] === 's' ? { service: to.place.slice(1) } : { counter: Number(to.place.slice(1)) });
  },
  cancel: async () => {
    const yes = await ask(text('clerk.cancel_title', { number: present().number }), text('clerk.cancel'), {});
    if (yes) toTicket('cancel', {});
  },
};

async function callChosen(ticket) {
  const why = await ask(text('clerk.call_one', { number: ticket.number }), text('clerk.call'), { reason: text('clerk.reason') });
  if (why) toCounter('call', { ticket: ticket.id, reason: why.reason });
}

/** ask opens the dialog and gives what was chosen, or null. */
function ask(title, yes, { label, places, reason }) {
  const box = byId('ask'), select = byId('ask-select'), words = byId('ask-text');
  put(byId('ask-title'), title);
  put(byId('ask-yes'), yes);
  put(byId('ask-select-label'), label ?? '');
  select.parentElement.hidden = !places;
  select.replaceChildren(...(places ?? []).map(([value, name]) => element('option', { value }, name)));
  put(byId('ask-text-label'), reason ?? '');
  words.parentElement.hidden = !reason;
  words.required = Boolean(reason);
  words.value = '';
  box.returnValue = '';
  box.showModal();
  return new Promise((answered) => {
    box.addEventListener('close', () => answered(box.returnValue === 'yes' ? { place: select.value, reason: words.value } : null), { once: true });
  });
}

function press(name, event) {
  const button = byId(name);
  if (button.disabled || button.hidden || event.repeat || event.detail > 1) return;
  if (name === 'next' && performance.now() < coolUntil) return;
  actions[name]();
}

for (const name of Object.keys(actions)) byId(name).addEventListener('click', (event) => press(name, event));
addEventListener('keydown', (event) => {
  if (byId('ask').open || event.getModifierState('AltGraph')) return;
  const name = event.ctrlKey && !event.altKey ? { Enter: 'next', NumpadEnter: 'next', KeyZ: 'undo' }[event.code]
    : event.altKey && !event.ctrlKey ? { KeyN: 'no-show', KeyR: 'recall', KeyS: 'start', KeyK: 'finish' }[event.code] : null;
  if (!name) return;
  event.preventDefault();
  press(name, event);
});
byId('counter').addEventListener('change', (event) => {
  mine = Number(event.target.value);
  sessionStorage.setItem('counter', String(mine));
  put(byId('message'), '');
  offerUndo(counter());
  render();
});

render();
offerUndo(counter());
follow('/api/v1/events?view=queue', {
  queue: (now) => {
    const before = counter()?.undo_seq;
    queue = now;
    if (counter()?.undo_seq !== before) offerUndo(counter());
    if (!busy) render();
  },
  'signed-out': () => location.assign(`/clerk?lang=${lang}`),
}, (lives) => {
  const banner = byId('banner');
  put(banner, lives ? '' : text('clerk.offline'));
  banner.hidden = lives;
});
