// What the pages share: texts, commands with an idempotency key, and the live stream.

const data = JSON.parse(document.getElementById('data').textContent);
export const lang = document.documentElement.lang;
export const options = data;
const plural = new Intl.PluralRules(lang);

/** text gives the sentence of a key with {name} replaced. */
export function text(key, values = {}) {
  const found = data.texts[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** count gives the sentence in the plural form for n. */
export const count = (key, n) => text(`${key}.${plural.select(n)}`, { n });

/** waitText says a span of seconds in minutes, as the server does. */
export function waitText(wait) {
  if (!wait) return text('wait.unknown');
  const low = Math.floor(wait.low / 60), high = Math.max(1, Math.ceil(wait.high / 60));
  if (high <= 1) return text('wait.short');
  return low === high ? text('wait.about', { n: high }) : text('wait.span', { low, high });
}

/** element makes an element; children are nodes or text, never markup. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') made.addEventListener('click', value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

/** put sets the text only when it differs, so that screen readers are not told twice. */
export function put(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

export const byId = (id) => document.getElementById(id);

/** newKey makes an idempotency key; randomUUID would need HTTPS. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Refused is an answer that says no; body holds the reason and often the true state. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? String(status));
    this.status = status;
    this.code = body?.error?.code ?? '';
    this.body = body;
  }
}

const rest = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * post sends one command. A lost answer and a "not known yet" are asked for again with the same
 * key for about ten seconds, so one press is one command whatever the network does.
 */
export async function post(path, body = {}, key = newKey()) {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key, 'Accept-Language': lang };
  for (let attempt = 0; ; attempt++) {
    let answer, content;
    try {
      answer = await fetch('/api/v1' + path, { method: 'POST', headers, body: JSON.stringify(body) });
      content = await answer.json();
    } catch (lost) {
      if (attempt >= 8) throw lost;
      await rest(250 * (attempt + 1));
      continue;
    }
    if (answer.ok) return content;
    const refused = new Refused(answer.status, content);
    if (refused.code !== 'unknown' || attempt >= 8) throw refused;
    await rest(1000);
  }
}

/**
 * follow opens a stream of server-sent events and keeps it open. handlers maps event names to
 * functions; onState(true) says that the stream lives, onState(false) that nothing has come for a
 * while. A stream that the server refuses is tried again as well.
 */
export function follow(url, handlers, onState) {
  let source, watch, last = '';
  const alive = () => {
    onState(true);
    clearTimeout(watch);
    watch = setTimeout(() => { onState(false); open(); }, 25000);
  };
  // The server refuses: perhaps the agent was started anew. Then this page is fetched anew as well.
  const again = async () => {
    const page = await fetch(location.href, { method: 'HEAD' }).catch(() => null);
    if (page?.ok || page?.status === 401) location.reload();
    else open();
  };
  const open = () => {
    source?.close();
    source = new EventSource(last ? url + (url.includes('?') ? '&' : '?') + 'since=' + last : url);
    source.onopen = alive;
    source.onerror = () => {
      onState(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(again, 2000);
    };
    for (const [name, handle] of Object.entries({ beat: () => {}, ...handlers })) {
      source.addEventListener(name, (event) => {
        last = event.lastEventId || last;
        alive();
        handle(JSON.parse(event.data));
      });
    }
  };
  open();
}
