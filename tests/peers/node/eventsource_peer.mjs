// `eventsource` against one server, through a relay that cuts. Usage: eventsource_peer.mjs HOST:PORT
import net from 'node:net';
import { once } from 'node:events';
import { EventSource } from 'eventsource';
import * as checks from './checks.mjs';
import { equal, publish } from './checks.mjs';

const server = process.argv[2];
const [host, port] = server.split(':');
const STRANGE = '0123456789abcdef.7';

// The relay passes octets on, remembers Last-Event-ID of each request, and cuts on demand.
const asked = [];
const open = new Set();
const relay = net.createServer((client) => {
  const upstream = net.connect(Number(port), host);
  open.add(client);
  client.once('data', (octets) => asked.push(/^last-event-id: (.*)\r$/im.exec(octets.toString())?.[1]));
  client.pipe(upstream);
  upstream.pipe(client);
  for (const [one, other] of [[client, upstream], [upstream, client]]) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
  client.on('close', () => open.delete(client));
});
relay.listen(0, '127.0.0.1');
await once(relay, 'listening');
const through = `http://127.0.0.1:${relay.address().port}/channels`;

const want = [];
const got = [];
const source = new EventSource(`${through}/node-sse`);
const note = (event) => got.push([event.type, event.data, event.lastEventId]);
for (const type of ['message', 'price', 'message;base64', 'tidings.gap']) source.addEventListener(type, note);
await next(source, 'open');

async function send(body, type, data) {
  const query = type === 'price' ? '?event=price' : '';
  want.push([type, data ?? body, await publish(server, 'node-sse', body, query)]);
}
function next(target, type) {
  return new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
}
async function arrived() {
  const start = Date.now();
  while (got.length < want.length) {
    if (Date.now() - start > 15_000) throw new Error(`missing: ${JSON.stringify(want.slice(got.length))}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  equal(got, want, 'every event, once and in order');
}

await send('one', 'message');
await send('two\nlines', 'price');
await send(Buffer.from([0, 255]), 'message;base64', 'AP8=');
await send('', 'message');
await arrived();
for (let cut = 1; cut <= 2; cut += 1) {
  const failed = next(source, 'error');
  for (const client of open) client.resetAndDestroy();
  await failed;
  // Published while nobody listens.
  for (let number = 0; number < 10; number += 1) await send(`away ${cut}.${number}`, 'message');
  const last = got.at(-1)[2];
  await arrived();
  equal(asked.at(-1), last, 'the reader asks by Last-Event-ID');
  await send(`live ${cut}`, 'message');
  await arrived();
}
source.close();

// Cut before the first message: the position of the first block is what it comes back with.
const quiet = new EventSource(`${through}/node-quiet`);
await next(quiet, 'open');
while (!asked.length) await new Promise((resolve) => setTimeout(resolve, 10));
await new Promise((resolve) => setTimeout(resolve, 100));
for (const client of open) client.resetAndDestroy();
await next(quiet, 'error');
const message = next(quiet, 'message');
await publish(server, 'node-quiet', 'while away');
equal((await message).data, 'while away', 'nothing is lost before the first message');
quiet.close();

// A stranger's position: the gap is an event like any other.
const lost = new EventSource(`http://${server}/channels/node-sse?after=${STRANGE}`);
const first = next(lost, 'message');
const gap = await next(lost, 'tidings.gap');
equal(JSON.parse(gap.data).reason, 'epoch', 'gap');
equal(JSON.parse(gap.data).next, gap.lastEventId, 'the gap moves the position');
equal((await first).data, 'one', 'all that is kept follows');
lost.close();

console.log(`eventsource ${checks.version('eventsource')} (Node): resumed after 3 cuts, ${checks.count} checks`);
process.exit(0);
