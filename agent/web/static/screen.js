// The hall display: who is called where. It shows what the branch's journal says and nothing else.
import { byId, element, follow, options, put, text } from './common.js';

const TAKEOVER_MS = 6000, HURRY_MS = 3000, BLINK_MS = 5000;
const MAX_QUEUE = 20; // more new calls than that at once: the oldest are in the list anyway
const STALE_MS = 20000; // an older call is not announced again after a lost connection
const takeover = byId('takeover'), banner = byId('banner');
let queue = options.queue, queued = [], showing = false, lost = 0;
const fresh = new Set();

const nameOf = (counter) => queue.counters.find((c) => c.id === counter)?.name || String(counter);

function render() {
  put(byId('clock'), queue.time);
  const rows = queue.called.map((call) => element('li', { class: fresh.has(call.id) ? 'fresh' : null, 'data-ticket': call.number },
    element('span', { class: 'number' }, call.number),
    element('span', { class: 'arrow', 'aria-label': text('screen.counter') }, '▶'),
    element('span', { class: 'place' }, nameOf(call.counter))));
  byId('called').replaceChildren(...rows);
  byId('nobody').hidden = rows.length > 0;
  renderWaiting(queue.waiting.map((ticket) => ticket.number));
}

/** renderWaiting lists as many waiting numbers as the picture holds, and how many more there are. */
function renderWaiting(numbers) {
  const list = byId('waiting');
  byId('nobody-waits').hidden = numbers.length > 0;
  list.hidden = numbers.length === 0;
  list.replaceChildren(...numbers.map((number) => element('li', { class: 'number' }, number)));
  const full = () => list.scrollHeight > list.clientHeight && list.children.length > 1;
  if (!full()) return;
  const more = list.appendChild(element('li', { class: 'more' }, ''));
  let hidden = 0;
  do {
    more.previousElementSibling.remove();
    put(more, `+${++hidden}`);
  } while (full());
}

/** announce queues a call for the whole screen; calls follow each other and never overlap. */
function announce(call) {
  if (!call.number || call.age_ms > STALE_MS) return;
  queued = queued.filter((other) => other.ticket !== call.ticket);
  queued.push(call);
  queued = queued.slice(-MAX_QUEUE);
  fresh.add(call.ticket);
  setTimeout(() => { fresh.delete(call.ticket); render(); }, BLINK_MS);
  if (!showing) showNext();
}

function showNext() {
  const call = queued.shift();
  showing = Boolean(call);
  takeover.hidden = !call;
  if (!call) return;
  put(byId('takeover-number'), call.number);
  put(byId('takeover-place'), text('screen.go_to', { counter: nameOf(call.counter) }));
  // The animation starts anew for each call.
  const number = byId('takeover-number');
  number.replaceWith(number.cloneNode(true));
  setTimeout(showNext, queued.length > 2 ? HURRY_MS : TAKEOVER_MS);
}

/** A call that is taken back or over must not be shown any more. */
function withdraw(call) {
  queued = queued.filter((other) => other.ticket !== call.ticket);
}

function state(lives) {
  if (lives) { clearTimeout(lost); lost = 0; banner.hidden = true; document.body.classList.remove('stale'); return; }
  lost ||= setTimeout(() => {
    put(banner, text('screen.stale', { time: queue.time }));
    banner.hidden = false;
    document.body.classList.add('stale');
  }, 1500);
}

render();
follow('/api/v1/events?view=queue', {
  ticket_called: announce,
  call_repeated: announce,
  ticket_missed: withdraw,
  ticket_removed: withdraw,
  ticket_cancelled: withdraw,
  queue: (now) => { queue = now; render(); },
  beat: (now) => put(byId('clock'), now.time),
}, state);
