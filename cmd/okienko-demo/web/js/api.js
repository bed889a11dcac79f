import { language, t } from './i18n.js';

// newKey names one press. The same press keeps its key through all retries, so the branch does it once.
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

const RETRIES = 14; // about 6 s: longer than a pulled plug
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// command sends one press to the branch. While the branch is without power it tries again with the same key.
// It returns the answer, or throws an Error with .code and .status.
export async function command(branch, path, body) {
  const key = newKey();
  for (let attempt = 0; ; attempt++) {
    const answer = await once(branch, path, body, key);
    if (answer.ok) return answer.value;
    const again = answer.status === 0 || answer.status === 502 || answer.status === 503;
    if (!again || attempt >= RETRIES) throw answer.error;
    await pause(Math.min(100 * (attempt + 1), 500));
  }
}

async function once(branch, path, body, key) {
  try {
    const response = await fetch(`/b/${branch}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, 'Accept-Language': language() },
      body: JSON.stringify(body ?? {}),
    });
    const value = await response.json().catch(() => null);
    return response.ok ? { ok: true, value } : { status: response.status, error: failure(response.status, value?.error) };
  } catch {
    return { status: 0, error: failure(0) };
  }
}

function failure(status, told) {
  const error = new Error(told?.message || t('error.down'));
  error.status = status;
  error.code = told?.code || 'down';
  return error;
}

// fault does what a script does with POST /demo/fault.
export const fault = (body) => post('/demo/fault', body);

// finger pushes a button of the panel, counted from 1, or lets it go.
export const finger = (body) => post('/demo/button', body);

async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  });
  if (!response.ok) throw failure(response.status, (await response.json().catch(() => null))?.error);
}
