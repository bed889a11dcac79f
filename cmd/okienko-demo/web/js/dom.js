// h makes an element: h('button.big', {onclick, 'aria-label': '…'}, child, …). Names that start with "on"
// are listeners, "data-…" and "aria-…" attributes, everything else a property.
export function h(name, props, ...children) {
  const [tag, ...classes] = name.split('.');
  const el = document.createElement(tag);
  if (classes.length) el.className = classes.join(' ');
  for (const [key, value] of Object.entries(props ?? {})) {
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value);
    else if (key.includes('-') || key === 'role') el.setAttribute(key, value);
    else el[key] = value;
  }
  el.append(...children.filter((c) => c !== null && c !== undefined));
  return el;
}

// text changes an element's text only if it differs, so that screen readers are not disturbed.
export function text(el, value) { if (el.textContent !== value) el.textContent = value; }

export function show(el, on) { if (el.hidden === on) el.hidden = !on; }

// keyed makes the children of el those of the list, in order, reusing what is there: make(item) for a new
// key, update(node, item) for all.
export function keyed(el, list, key, make, update) {
  const old = new Map([...el.children].map((c) => [c.dataset.key, c]));
  let at = el.firstElementChild;
  for (const item of list) {
    const k = String(key(item));
    let node = old.get(k);
    if (node) old.delete(k);
    else { node = make(item); node.dataset.key = k; }
    update?.(node, item);
    if (node === at) at = at.nextElementSibling;
    else el.insertBefore(node, at);
  }
  for (const node of old.values()) node.remove();
}

export function minutes(seconds) { return Math.max(1, Math.round(seconds / 60)); }
export const calm = matchMedia('(prefers-reduced-motion: reduce)');
