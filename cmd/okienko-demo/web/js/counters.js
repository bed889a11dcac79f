import { t } from './i18n.js';
import { h, keyed, show, text } from './dom.js';
import { command } from './api.js';
import { nameOf } from './town.js';
import { ledBoard } from './board.js';

const MAX_CALLS = 3;

// counters draws one terminal for each counter. A press carries the ticket that the clerk saw, so a stale
// terminal is told the truth instead of doing something to somebody else.
export function counters(root) {
  root.replaceChildren();
  const update = (town) => {
    const list = town.now.queue?.counters ?? [];
    const key = (c) => `${town.now.id}/${c.id}`;
    keyed(root, list, key, (c) => terminal(c, town), (node, c) => { node.update(c); node.board.update(town); });
    root.classList.toggle('waiting', list.length === 0);
  };
  return update;
}

function terminal(first, town) {
  const branch = town.now.id;
  let counter = first;

  async function press(path, body) {
    node.classList.add('busy');
    try {
      await command(branch, path, body);
    } catch (error) {
      town.say(error.message);
    }
    node.classList.remove('busy');
    show(choices, false);
    // What is drawn must be of one moment: the queue may be newer than this counter.
    node.update(town.now.queue?.counters.find((c) => c.id === counter.id) ?? counter);
  }

  const at = (name) => `counters/${counter.id}/${name}`;
  const seen = () => ({ seen: counter.ticket?.id ?? '' });
  const button = (kind, key, act) => h(`button.${kind}`, { type: 'button', onclick: act }, t(key));
  const open = button('primary', 'do.open', () => press(at('open')));
  const next = button('primary', 'do.next', () => press(at('next'), seen()));
  const noshow = button('plain', 'do.noshow', () => press(at('no-show'), seen()));
  const recall = button('plain', 'do.recall', () => press(at('recall')));
  const start = button('plain', 'do.start', () => press(at('start')));
  const finish = button('plain', 'do.finish', () => press(at('finish'), seen()));
  const transfer = button('small', 'do.transfer', () => show(choices, choices.hidden));
  const park = button('small', 'do.park', () => press(`tickets/${counter.ticket.id}/park`));
  const pause = h('button.small', { type: 'button', onclick: () => press(at(counter.state === 'paused' ? 'resume' : 'pause')) });
  const close = button('small', 'do.close', () => press(at('close')));
  const undo = button('undo', 'do.undo', () => press(at('undo')));

  const title = h('h3');
  const status = h('span.pill');
  const skills = h('span.skills');
  const number = h('b.c-number');
  const what = h('span');
  const state = h('span.c-state');
  const choices = h('div.choices', { hidden: true });
  const aside = h('div.aside');
  const desk = h('div.desk', null, h('div.c-now', null, number, h('div', null, what, state)), undo);
  const keys = h('div.keys', null, next, h('div.row', null, start, noshow, recall, finish), choices, aside,
    h('div.row.minor', null, transfer, park, pause, close));
  const board = ledBoard(first.id);
  const node = h('article.counter', null, board, h('header', null, title, status, skills), desk, keys, open);

  function drawChoices() {
    const { ticket } = counter;
    const others = [
      ...town.now.queue.services.filter((s) => s.id !== ticket?.service).map((s) => ({ key: s.id, label: `${s.letter} ${nameOf(s)}`, body: { service: s.id } })),
      ...town.now.queue.counters.filter((c) => c.id !== counter.id && c.state === 'open').map((c) => ({ key: c.id, label: t('do.toCounter', { n: c.id }), body: { counter: c.id } })),
    ];
    keyed(choices, others, (o) => o.key,
      (o) => h('button.small', { type: 'button', onclick: (e) => press(`tickets/${counter.ticket.id}/transfer`, e.currentTarget.body) }),
      (el, o) => { el.body = o.body; text(el, o.label); });
  }

  function drawAside() {
    const list = asideOf(counter, town.now.queue);
    keyed(aside, list, (x) => x.id,
      (x) => h('button.chip', { type: 'button', onclick: () => press(at('call'), { ticket: x.id, reason: 'demo' }) }),
      (el, x) => {
        el.classList.toggle('absent', x.state === 'absent');
        el.title = t('do.call');
        el.disabled = Boolean(counter.ticket) || counter.state !== 'open';
        text(el, `${x.number} ${t(x.state === 'absent' ? 'counter.absent' : 'counter.parked')}`);
      });
  }

  node.update = (c) => {
    counter = c;
    const { ticket } = c;
    const service = town.now.queue?.services.find((s) => s.id === ticket?.service);
    const serving = ticket?.state === 'serving';
    node.dataset.status = c.state;
    text(title, c.name || t('counter.name', { n: c.id }));
    text(status, c.leaving ? t(`counter.leaving.${c.leaving}`) : t(`counter.${c.state}`));
    text(skills, (c.services ?? []).join(' '));
    text(number, ticket ? ticket.number : '—');
    text(what, ticket ? nameOf(service) : t('counter.free'));
    text(state, ticket ? t(serving ? 'counter.serving' : ticket.calls > 1 ? 'counter.recalled' : 'counter.called', { calls: ticket.calls, max: MAX_CALLS }) : '');
    node.classList.toggle('recalled', Boolean(ticket) && !serving && ticket.calls > 1);
    text(pause, t(c.state === 'paused' ? 'do.resume' : 'do.pause'));
    show(open, c.state === 'closed');
    show(keys, c.state !== 'closed');
    show(desk, c.state !== 'closed');
    next.disabled = c.state !== 'open';
    for (const el of [noshow, finish, recall, transfer, park]) el.disabled = !ticket;
    start.disabled = !ticket || serving;
    show(undo, Date.now() < c.undoUntil);
    clearTimeout(node.timer);
    if (!undo.hidden) node.timer = setTimeout(() => show(undo, false), c.undoUntil - Date.now());
    if (!ticket) show(choices, false);
    drawChoices();
    drawAside();
  };
  node.board = board;
  return node;
}

// asideOf lists who was called at this counter and is not there: absent, or set aside by the clerk.
function asideOf(counter, queue) {
  return [
    ...queue.absent.filter((x) => x.home === counter.id),
    ...queue.parked.filter((x) => x.counter === counter.id),
  ];
}
