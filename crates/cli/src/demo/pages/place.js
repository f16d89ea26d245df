// A browser has six connections to a server. A page that is live holds two of them and needs another
// now and then, so two windows may be live at a time; a third would stand still without a word. It
// waits for a place instead, and says so.

const PLACES = ['tidings-place-1', 'tidings-place-2'];

/** Calls `begin` once there is a place; what it gives is called to leave the place, or the queue. */
export function takePlace(begin) {
  if (!navigator.locks) {
    // Missing where a page is served without TLS and not from this machine.
    begin();
    return () => {};
  }
  const queue = new AbortController();
  let leave;
  const left = new Promise((resolve) => {
    leave = resolve;
  });
  let isTaken = false;
  for (const name of PLACES) {
    const hold = () => {
      if (isTaken || queue.signal.aborted) return undefined;
      isTaken = true;
      queue.abort();
      begin();
      return left;
    };
    navigator.locks.request(name, { signal: queue.signal }, hold).catch(() => {
      // Left the queue.
    });
  }
  return () => {
    queue.abort();
    leave();
  };
}
