import { t } from './i18n.js';
import { h, text } from './dom.js';
import { fault } from './api.js';

const FAULTS = ['none', 'paper-near-end', 'paper-out', 'cover-open', 'stall', 'unplug'];

// controls are the buttons that break the branch. They do what POST /demo/fault does for scripts.
export function controls(root) {
  let town = null;
  const act = async (body) => {
    try {
      await fault({ branch: town.now.id, ...body });
    } catch (error) {
      town.say(error.message);
    }
  };
  const buttons = FAULTS.map((name) => h(`button.fault`, { type: 'button', 'data-fault': name, onclick: () => act({ device: 'printer', fault: name }) }, t(`fault.${name}`)));
  const seen = h('p.seen', { role: 'status' });
  const agent = h('p.seen');
  const plug = h('button.plug', { type: 'button', 'data-fault': 'kill', onclick: () => act({ fault: 'kill' }) }, t('fault.kill'));
  root.replaceChildren(
    h('h3', null, t('controls.title')),
    h('h4', null, t('controls.printer')), h('div.faults', null, ...buttons), seen,
    h('h4', null, t('controls.power')), h('div.power', null, plug, agent));
  return (next) => {
    town = next;
    const { now } = town;
    for (const el of buttons) el.setAttribute('aria-pressed', String(el.dataset.fault === now.printer.fault));
    text(seen, `${t('device.seen')} ${deviceText(now.device)}`);
    seen.dataset.state = now.device?.state ?? '';
    const { state = 'starting', pid, starts } = now.agent ?? {};
    text(agent, t(state === 'up' && starts > 1 ? 'agent.upAgain' : `agent.${state}`, { pid, starts }));
    agent.dataset.state = state === 'up' ? 'ready' : 'failed';
    plug.disabled = state !== 'up';
  };
}

function deviceText(device) {
  if (!device) return t('device.unknown');
  const reason = device.reason ? t(`reason.${device.reason}`) : '';
  return t(`device.${device.state}`, { reason }).replace(/, $/, '');
}
