import { language, say } from './i18n.js';
import { calm, h, keyed, show, text } from './dom.js';

const TAKEOVER_MS = 6000; // a new call fills the screen this long
const ROWS = 5;
const WAITING = 14;

// hall draws the group screen in a TV frame. It shows what the branch says was called and nothing else.
export function hall(root) {
  let seen = null; // the calls that were on the screen before, by ticket and number of call
  let repeated = 0; // the last announcement that was repeated
  let branch = '';
  let over = null;
  const code = language();
  const name = h('strong');
  const clock = h('time');
  const rows = h('div.tv-rows');
  const empty = h('p.tv-empty');
  const waiting = h('div.tv-waiting');
  const more = h('span.tv-more');
  const nobody = h('p.tv-nobody');
  const bigNumber = h('b');
  const bigCounter = h('b');
  const please = h('span');
  const big = h('div.tv-big', { hidden: true, 'aria-live': 'assertive' }, bigNumber, h('span.tv-arrow', { 'aria-hidden': 'true' }, '▶'), please, bigCounter);
  const off = h('p.tv-off', { hidden: true });
  root.replaceChildren(h('div.tv-screen', null,
    h('div.tv-top', null, name, clock),
    h('div.tv-body', null,
      h('div.tv-called', null, h('div.tv-head', null, h('span', null, say(code, 'hall.number')), h('span', null, say(code, 'hall.counter'))), rows, empty),
      h('div.tv-side', null, h('h3', null, say(code, 'hall.next')), waiting, more, nobody)),
    big, off), h('i.tv-foot', { 'aria-hidden': 'true' }));

  function takeOver(call) {
    text(bigNumber, call.number);
    text(bigCounter, String(call.counter));
    text(please, say(code, 'hall.please'));
    show(big, true);
    big.classList.remove('blink');
    void big.offsetWidth; // restarts the blinking
    if (!calm.matches) big.classList.add('blink');
    clearTimeout(over);
    over = setTimeout(() => show(big, false), TAKEOVER_MS);
  }

  // fresh finds the newest call that was not there before, or one that is announced again.
  function fresh(calls, facts) {
    const first = seen === null;
    const repeat = facts.findLast((f) => f.kind === 'call_repeated' && f.seq > repeated);
    const call = calls.find((c) => !seen?.has(keyOf(c))) ?? calls.find((c) => c.id === repeat?.ticket);
    seen = new Set(calls.map(keyOf));
    repeated = repeat?.seq ?? repeated;
    return first ? null : call;
  }

  return (town) => {
    const { now } = town;
    const calls = callsOf(now.queue);
    if (branch !== now.id) { branch = now.id; seen = null; repeated = 0; show(big, false); }
    const call = now.queue ? fresh(calls, now.facts) : null;
    if (call && town.present) takeOver(call);
    text(name, now.name);
    text(clock, now.queue?.time ?? '');
    keyed(rows, calls.slice(0, ROWS), (c) => c.id,
      () => h('div.tv-row', null, h('b'), h('span', { 'aria-hidden': 'true' }, '▶'), h('b')),
      (node, c) => {
        text(node.children[0], c.number);
        text(node.children[2], String(c.counter));
        node.classList.toggle('newest', c === calls[0]);
      });
    text(empty, say(code, 'hall.empty'));
    show(empty, calls.length === 0);
    const list = now.queue?.waiting ?? [];
    keyed(waiting, list.slice(0, WAITING), (w) => w.id, () => h('span'), (node, w) => text(node, w.number));
    text(more, list.length > WAITING ? say(code, 'hall.more', { n: list.length - WAITING }) : '');
    text(nobody, say(code, 'hall.nobody'));
    show(nobody, list.length === 0);
    text(off, now.agent ? say(code, 'hall.off') : say(code, 'state.loading'));
    show(off, now.agent?.state !== 'up');
  };
}

const keyOf = (call) => `${call.id}/${call.calls}/${call.counter}`;

// callsOf lists the visitors at the counters, newest call first.
export function callsOf(queue) {
  const at = (c) => Date.parse(c.called_at) || Number(c.called_at) || 0;
  return [...(queue?.called ?? [])].sort((a, b) => at(b) - at(a));
}
