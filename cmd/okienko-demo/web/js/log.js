import { language, t } from './i18n.js';
import { h, keyed } from './dom.js';

const SENTENCES = {
  en: {
    ticket_taken: '{number} took a ticket', ticket_called: '{number} called to counter {counter}',
    ticket_recalled: '{number} called again to counter {counter} by the rule ({calls} of 3)',
    call_repeated: '{number} announced again', service_started: '{number} has come to counter {counter}',
    ticket_missed: '{number} did not come ({calls} of 3): absent', ticket_removed: '{number} did not come three times: removed',
    ticket_finished: '{number} served at counter {counter}', ticket_transferred: '{number} sent on to {service}', ticket_parked: '{number} set aside at counter {counter}',
    ticket_returned: '{number} waits at the old place again', ticket_cancelled: '{number} gave up', ticket_expired: '{number} ended with the day',
    counter_opened: 'Counter {counter} opened', counter_closed: 'Counter {counter} closed', counter_paused: 'Counter {counter} on a break', counter_resumed: 'Counter {counter} back from its break',
    command_undone: 'Counter {counter} took its last press back', day_opened: 'A new office day', day_closed: 'The office day ended', agent_started: 'The agent started',
  },
  pl: {
    ticket_taken: '{number} pobrał bilet', ticket_called: '{number} wezwany do stanowiska {counter}',
    ticket_recalled: '{number} wezwany ponownie do stanowiska {counter} zgodnie z regułą ({calls} z 3)',
    call_repeated: '{number} zapowiedziany ponownie', service_started: '{number} przyszedł do stanowiska {counter}',
    ticket_missed: '{number} nie zgłosił się ({calls} z 3): nieobecny', ticket_removed: '{number} nie zgłosił się trzy razy: usunięty',
    ticket_finished: '{number} obsłużony przy stanowisku {counter}', ticket_transferred: '{number} przekazany do {service}', ticket_parked: '{number} odłożony przy stanowisku {counter}',
    ticket_returned: '{number} znów czeka na swoim miejscu', ticket_cancelled: '{number} zrezygnował', ticket_expired: '{number} zakończony z końcem dnia',
    counter_opened: 'Stanowisko {counter} otwarte', counter_closed: 'Stanowisko {counter} zamknięte', counter_paused: 'Stanowisko {counter}: przerwa', counter_resumed: 'Stanowisko {counter}: koniec przerwy',
    command_undone: 'Stanowisko {counter} cofnęło ostatnią czynność', day_opened: 'Nowy dzień urzędu', day_closed: 'Koniec dnia urzędu', agent_started: 'Program oddziału uruchomiony',
  },
};

// log lists the facts of the journal, newest first, with the office's local time.
export function log(root) {
  root.replaceChildren();
  return (town) => {
    const facts = town.now.facts;
    const list = facts.length ? [...facts].reverse() : [{ seq: 'none' }];
    keyed(root, list, (f) => `${language()}/${f.seq}`, (f) => (f.kind ? line(f) : h('li.empty', null, t('log.empty'))));
  };
}

function line(fact) {
  const kind = fact.kind === 'ticket_called' && fact.how?.startsWith('recall') ? 'ticket_recalled' : fact.kind;
  const text = (SENTENCES[language()] ?? SENTENCES.en)[kind] ?? SENTENCES.en[kind] ?? kind;
  return h(`li.${kind}`, null,
    h('time', null, fact.at?.slice(11, 19) ?? ''),
    h('span', null, text.replace(/\{(\w+)\}/g, (_, name) => fact[name] ?? '')),
    h('i', { title: 'journal' }, `#${fact.seq}`));
}
