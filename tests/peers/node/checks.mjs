// What the Node peers share: a count of checks, and publishing by fetch.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export let count = 0;

export function equal(got, want, what) {
  count += 1;
  assert.deepEqual(got, want, what);
}

export async function publish(server, channel, body, query = '') {
  const type = typeof body === 'string' ? 'text/plain' : 'application/octet-stream';
  const answer = await fetch(`http://${server}/channels/${channel}${query}`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': type },
  });
  equal(answer.status, 200, 'POST');
  return (await answer.json()).id;
}

export function version(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest)).version;
}
