// How far the server's clock is from ours, so that a message's time of publishing can be compared with
// its time of arrival. The quickest of a few answers is the least wrong: off by at most half its time.

const TRIES = 8;

/** Our time in milliseconds since 1970, finer than Date.now. */
export function now() {
  return performance.timeOrigin + performance.now();
}

/** Gives `offset` (server minus us) and `error` (at most), in milliseconds. */
export async function measure() {
  let best = null;
  for (let index = 0; index < TRIES; index += 1) {
    const before = now();
    const answer = await fetch('/demo/clock', { cache: 'no-store' });
    const after = now();
    const server = (await answer.json()).now;
    const error = (after - before) / 2;
    if (best === null || error < best.error) best = { offset: server - (before + after) / 2, error };
  }
  return best;
}
