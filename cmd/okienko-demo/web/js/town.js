import { language } from './i18n.js';

const KEPT_TICKETS = 24;
const KEPT_FACTS = 60;
const FLASH_MS = 1200; // a number that comes back within this time was flashing: boards flash once a second

// Town is what the page knows. All of it comes from the stream; nothing is computed twice.
export class Town {
  constructor() {
    this.branches = new Map();
    this.list = [];
    this.now = blank('');
    this.voice = null;
    this.present = false;
    this.lost = false;
    this.notice = '';
    this.onchange = () => {};
  }

  // connect opens the one stream. The server tells everything that is so, then "present", then what happens.
  connect() {
    const source = new EventSource('/events');
    const hear = (kind, take) => source.addEventListener(kind, (e) => {
      const { branch, value } = JSON.parse(e.data);
      take(branch ? this.of(branch) : null, value);
      this.changed();
    });
    source.onopen = () => { this.forget(); this.lost = false; };
    source.onerror = () => { this.lost = true; this.changed(); };
    source.addEventListener('present', () => { this.present = true; this.changed(); });
    hear('town', (_, list) => this.meet(list));
    hear('agent', (b, agent) => { b.agent = agent; });
    hear('queue', (b, queue) => { b.queue = readQueue(queue); notePrints(b); });
    hear('devices', (b, answer) => {
      b.device = readDevice(answer);
      b.health = new Map(listOf(answer).map((d) => [d.name, d]));
    });
    hear('printer', (b, printer) => { b.printer = printer; });
    hear('panel', (b, panel) => { b.panel = panel; });
    hear('boards', (b, list) => { b.boards = list.map((told) => this.watch(told, b.boards.find((old) => old.name === told.name))); });
    hear('voice', (_, told) => { this.voice = told; });
    hear('speaker', (b, speaker) => { b.speaker = speaker; });
    hear('ticket', (b, ticket) => { b.tickets = [...b.tickets, ticket].slice(-KEPT_TICKETS); });
    hear('log', (b, fact) => { b.facts = [...b.facts, fact].slice(-KEPT_FACTS); });
  }

  // forget clears what the stream repeats from the beginning.
  forget() {
    this.present = false;
    for (const b of this.branches.values()) { b.tickets = []; b.facts = []; b.prints.clear(); }
  }

  // watch tells flashing from a number that has gone: steady is what the board showed last while it is dark between
  // two flashes.
  watch(told, old) {
    const board = { ...told, steady: still(told), flashes: old?.flashes ?? 0, flashing: false };
    if (!old || told.fault !== 'none') return board;
    const wasDark = !old.text;
    if (told.text && wasDark && old.steady.text === told.text) Object.assign(board, { flashes: board.flashes + 1, flashing: true });
    else if (told.text === old.text) Object.assign(board, { steady: old.steady, flashing: old.flashing });
    else if (!told.text) Object.assign(board, { steady: old.steady, flashing: old.flashing });
    if (!board.text && board.steady.text || board.flashing) this.later();
    return board;
  }

  // later lets the boards come to rest when no flash has come for a while.
  later() {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      for (const b of this.branches.values()) b.boards = b.boards.map((board) => ({ ...board, steady: still(board), flashing: false }));
      this.changed();
    }, FLASH_MS);
  }

  meet(list) {
    for (const told of list) Object.assign(this.of(told.id), told);
    this.list = list.map((told) => this.of(told.id));
    if (!this.now.id && this.list.length) this.now = this.list[0];
  }

  of(id) {
    if (!this.branches.has(id)) this.branches.set(id, blank(id));
    return this.branches.get(id);
  }

  choose(id) { this.now = this.of(id); this.changed(); }

  say(message) {
    this.notice = message;
    this.changed();
    clearTimeout(this.timer);
    if (message) this.timer = setTimeout(() => this.say(''), 6000);
  }

  // changed draws at most once a frame. A hidden page has no frames, so it draws at once.
  changed() {
    if (document.hidden) { this.onchange(); return; }
    this.frame ??= requestAnimationFrame(() => { this.frame = undefined; this.onchange(); });
  }
}

function blank(id) {
  return {
    id, name: '', url: '', clerk: '', pin: '', agent: null, queue: null, device: null,
    health: new Map(), boards: [], panel: { fault: 'none', buttons: [] }, printer: { fault: 'none' }, speaker: { fault: 'none', playing: false, sound: null },
    tickets: [], facts: [], prints: new Map(),
  };
}

const still = ({ text, segments }) => ({ text, segments });

const listOf = (answer) => (Array.isArray(answer) ? answer : answer?.devices ?? []);

function readDevice(answer) {
  const list = listOf(answer);
  return list.find((d) => d.kind === 'printer') ?? list[0] ?? null;
}

// readQueue brings the agent's answer into the page's own shape: the time left for an undo becomes a deadline.
function readQueue(q) {
  const counters = (q.counters ?? []).map((c) => ({ ...c, undoUntil: c.undo_ms ? Date.now() + c.undo_ms : 0 }));
  return {
    waiting: q.waiting ?? [], called: q.called ?? [], services: q.services ?? [],
    absent: q.absent ?? [], parked: q.parked ?? [], counters, time: q.time ?? '',
  };
}

// notePrints keeps what the branch knows of each number's paper, also when the visitor has left the queue.
function notePrints(b) {
  const { waiting, called, absent, parked } = b.queue;
  for (const t of [...waiting, ...called, ...absent, ...parked]) b.prints.set(t.number, { state: t.print, grade: t.grade });
}

// nameOf gives a service's name in one language.
export function nameOf(service, code = language()) {
  const names = service?.names ?? {};
  return names[code] ?? names.pl ?? service?.name ?? service?.id ?? '';
}
