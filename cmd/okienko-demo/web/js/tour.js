import { t } from './i18n.js';
import { h } from './dom.js';

// DONE says by which happening each step of the tour is done.
const DONE = [
  (b) => b.tickets.length > 0,
  (b) => has(b, 'ticket_called'),
  (b) => has(b, 'ticket_missed'),
  (b) => b.facts.some((f) => f.kind === 'ticket_called' && f.how?.startsWith('recall')),
  (b) => b.sawNoPaper,
  (b) => (b.agent?.starts ?? 0) > 1 && b.agent.state === 'up',
];

const has = (b, kind) => b.facts.some((f) => f.kind === kind);

// tour shows the six steps and which of them is next. A step that was done stays done.
export function tour(root) {
  const steps = DONE.map((_, i) => h('li', null, h('b', null, String(i + 1)),
    h('div', null, h('strong', null, t(`tour.${i + 1}`)), h('span', null, t(`tour.${i + 1}.more`)))));
  root.replaceChildren(...steps);
  return ({ now }) => {
    now.toured ??= new Set();
    if (now.device?.reason === 'paper-out') now.sawNoPaper = true;
    DONE.forEach((done, i) => { if (done(now)) now.toured.add(i); });
    const next = steps.findIndex((_, i) => !now.toured.has(i));
    steps.forEach((step, i) => {
      step.classList.toggle('done', now.toured.has(i));
      if (i === next) step.setAttribute('aria-current', 'step');
      else step.removeAttribute('aria-current');
    });
  };
}
