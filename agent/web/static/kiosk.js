// The touch page: one press, one ticket.
import { byId, count, element, follow, lang, newKey, options, post, put, Refused, text, waitText } from './common.js';

const SHOWN_MS = 8000, IDLE_MS = 20000, SLOW_MS = 600;
const banner = byId('banner'), list = byId('services'), done = byId('done');
let picture = options.kiosk, connected = true, pending = false, closing, idle;

/** key of the press that is being answered: pressed again, it is the same press. */
let key = newKey();

function render() {
  const down = !connected || picture.state !== 'ok';
  const words = down ? text('kiosk.out_of_order')
    : { out: text('kiosk.no_paper'), broken: text('kiosk.no_printer'), none: '' }[picture.paper] ?? '';
  put(banner, words);
  banner.hidden = !words;
  banner.classList.toggle('bad', down);
  for (const service of picture.services) {
    const button = list.querySelector(`[data-service="${CSS.escape(service.id)}"]`) ?? addButton(service);
    const set = (name, words) => put(button.querySelector('.' + name), words);
    set('letter', service.letter);
    set('name', service.names[lang] ?? service.names.pl);
    set('people', service.open ? count('people.waiting', service.waiting) : '');
    set('wait', service.open && service.wait ? waitText(service.wait) : '');
    set('why', service.open ? '' : text('reason.' + service.code));
    button.disabled = down || !service.open;
  }
  for (const button of list.querySelectorAll('button')) {
    if (!picture.services.some((service) => service.id === button.value)) button.parentElement.remove();
  }
}

function addButton(service) {
  const button = element('button', { name: 'service', value: service.id, 'data-service': service.id },
    ...['letter', 'name', 'people', 'wait', 'why'].map((name) => element('span', { class: name })));
  list.append(element('li', {}, button));
  return button;
}

async function take(button) {
  if (pending) return;
  pending = true;
  button.setAttribute('aria-busy', 'true');
  // A slow disk must not look like a press that was not felt.
  const slow = setTimeout(() => { show('', '', text('kiosk.one_moment')); clearTimeout(closing); }, SLOW_MS);
  const paper = picture.paper !== 'out' && picture.paper !== 'broken' && picture.paper !== 'none';
  try {
    const ticket = await post('/tickets', { service: button.value, language: lang, paper }, key);
    clearTimeout(slow);
    show(ticket.number, count('people.ahead', ticket.ahead) + (ticket.wait ? ' · ' + waitText(ticket.wait) : ''),
      text(ticket.print === 'none' ? 'kiosk.remember' : 'kiosk.printing'));
  } catch (error) {
    clearTimeout(slow);
    show('', '', '', error instanceof Refused ? error.message : text('kiosk.out_of_order'));
  }
  // The press is answered: the next one is a new press.
  key = newKey();
  pending = false;
  button.removeAttribute('aria-busy');
}

function show(number, words, print, error = '') {
  put(byId('done-number'), number);
  put(byId('done-text'), words);
  put(byId('done-print'), print);
  put(byId('done-error'), error);
  done.querySelector('.lead').hidden = !number;
  if (!done.open) done.showModal();
  clearTimeout(closing);
  closing = setTimeout(() => done.close(), SHOWN_MS);
}

/** A scanner types what it reads and ends with Enter: a ticket or a booking's code. */
let scanned = '';
addEventListener('keydown', async (event) => {
  if (event.key.length === 1) { scanned = (scanned + event.key).slice(-200); return; }
  if (event.key !== 'Enter' || scanned.length < 4) { scanned = ''; return; }
  event.preventDefault();
  const read = scanned;
  scanned = '';
  try {
    const ticket = read.length <= 8 ? await post('/checkin', { code: read }) : await post('/tickets/return', { token: read });
    show(ticket.number ?? '', text('kiosk.welcome_back'), '');
  } catch (error) {
    show('', '', '', error instanceof Refused ? error.message : text('kiosk.out_of_order'));
  }
});

/** After a while without a touch the page is again as the next visitor expects it. */
function restart() {
  clearTimeout(idle);
  idle = setTimeout(() => {
    if (lang === options.language || pending || done.open) return restart();
    const home = new URL(location.href);
    home.searchParams.set('lang', options.language);
    location.replace(home);
  }, IDLE_MS);
}

list.closest('form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (event.submitter) take(event.submitter);
});
byId('done-close').addEventListener('click', () => done.close());
for (const name of ['pointerdown', 'keydown']) addEventListener(name, restart);
restart();
render();
follow('/api/v1/kiosk/events', { kiosk: (now) => { picture = now; render(); } },
  (lives) => { connected = lives; render(); });
