// A page behind a proxy that ends TLS: HTTP/2, a path prefix. Usage: over_tls.mjs CHROMIUM https://NAME:PORT/PREFIX
import * as checks from './browser.mjs';
import { equal, launch, open, quiet, until } from './browser.mjs';

const [executable, url] = process.argv.slice(2);
const { hostname, pathname } = new URL(url);

/** More streams than a browser has connections for over HTTP/1.1: eight, and what they hear. */
async function streams(prefix) {
  const { Tidings } = await import(`${prefix}/tidings.js`);
  const tidings = new Tidings(`${prefix}/`, { transports: ['sse'], streams: 8 });
  window.tidings = tidings;
  window.heard = {};
  for (let index = 0; index < 8; index += 1) {
    tidings.channel(`tls-${index}`).addEventListener('message', ({ detail }) => {
      (window.heard[detail.channel] ??= []).push(detail.data);
    });
  }
}

const browser = await launch(executable, [`--host-resolver-rules=MAP ${hostname} 127.0.0.1`]);
try {
  const page = await open(browser, `${url}/tidings.d.ts`, { ignoreHTTPSErrors: true });
  await page.evaluate(streams, pathname);
  await until('eight streams are open', () =>
    page.evaluate(() => window.tidings.channels.every(({ state, transport }) => state === 'open' && transport === 'sse')));
  equal(
    await page.evaluate(async (prefix) => {
      for (let index = 0; index < 8; index += 1) await window.tidings.channel(`tls-${index}`).publish(`to ${index}`);
      const entry = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/tidings.js'));
      return [entry.nextHopProtocol, (await fetch(`${prefix}/healthz`)).status];
    }, pathname),
    ['h2', 200],
    'HTTP/2',
  );
  await until('each hears its own', async () => {
    const heard = await page.evaluate(() => window.heard);
    const all = Object.entries(heard).sort();
    return JSON.stringify(all) === JSON.stringify(Array.from({ length: 8 }, (_, index) => [`tls-${index}`, [`to ${index}`]])) || all;
  });
  await page.evaluate(() => window.tidings.close());

  // What is chosen where all is let through, and the browser's own two classes.
  const own = await page.evaluate(async (prefix) => {
    const { Tidings, LongPollReader } = await import(`${prefix}/tidings.js`);
    const first = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
    const tidings = new Tidings(`${prefix}/`);
    const message = (await first(tidings.channel('tls-0', { from: 'earliest' }), 'message')).detail.data;
    const { transport } = tidings;
    tidings.close();
    const source = new EventSource(`${prefix}/channels/tls-7?from=earliest`);
    const event = (await first(source, 'message')).data;
    source.close();
    const socket = new WebSocket(`wss://${location.host}${prefix}/channels/tls-7?from=earliest`);
    const frame = (await first(socket, 'message')).data;
    socket.close();
    const poll = new LongPollReader(`${prefix}/channels/tls-7`);
    await first(poll, 'open');
    const held = first(poll, 'message');
    await fetch(`${prefix}/channels/tls-7`, { method: 'POST', body: 'held' });
    const late = (await held).detail.data;
    poll.close();
    return [transport, message, event, frame, late];
  }, pathname);
  equal(own, ['websocket', 'to 0', 'to 7', 'to 7', 'held'], 'each way');
  page.complaints = page.complaints.filter((text) => !/status of 404/.test(text));
  quiet(page, 'over TLS');
} finally {
  await browser.close();
}
console.log(`chromium by playwright-core ${checks.version}: eight streams and each way over HTTP/2, ${checks.count} checks`);
