// `ws` against one server: both forms of a channel. Usage: ws_peer.mjs HOST:PORT
import { once } from 'node:events';
import WebSocket from 'ws';
import * as checks from './checks.mjs';
import { equal, publish } from './checks.mjs';

const server = process.argv[2];
const url = (channel, query = '') => `ws://${server}/channels/${channel}${query}`;
const STRANGE = '0123456789abcdef.7';

// Opens a socket with a queue, so that no message is missed between two awaits.
function open(address, protocols = []) {
  const socket = new WebSocket(address, protocols);
  const queue = [];
  const waiting = [];
  socket.on('message', (data, binary) => {
    const message = binary ? data : data.toString();
    const next = waiting.shift();
    if (next) next(message);
    else queue.push(message);
  });
  socket.receive = () =>
    queue.length > 0 ? Promise.resolve(queue.shift()) : new Promise((resolve) => waiting.push(resolve));
  socket.json = async () => JSON.parse(await socket.receive());
  return socket;
}

async function bare() {
  const socket = open(url('node-bare'));
  await once(socket, 'open');
  equal(socket.protocol, '', 'no subprotocol');
  for (const message of ['héllo', '', Buffer.from([0, 255]), 'x'.repeat(200_000)]) {
    socket.send(message);
    equal(await socket.receive(), message, 'what is sent comes back by its kind');
  }
  socket.send('in ', { fin: false });
  socket.send('parts', { fin: true });
  equal(await socket.receive(), 'in parts', 'fragments arrive whole');
  socket.ping('now');
  equal((await once(socket, 'pong'))[0].toString(), 'now', 'pong');
  await publish(server, 'node-bare', 'by POST');
  equal(await socket.receive(), 'by POST', 'POST');
  socket.close(1000, 'done');
  equal((await once(socket, 'close'))[0], 1000, 'the closing handshake');

  const lost = open(url('node-bare', `?after=${STRANGE}`));
  const [code, reason] = await once(lost, 'close');
  equal(code, 4001, 'gap');
  const resumed = open(url('node-bare', `?after=${reason.toString().split(' after=')[1]}`));
  equal(await resumed.receive(), 'héllo', 'all that is kept');
  await fetch(`http://${server}/channels/node-bare`, { method: 'DELETE' });
  equal((await once(resumed, 'close'))[0], 4010, 'deleted');
}

async function envelopes() {
  let socket = open(url('node'), ['tidings.v1']);
  const { position } = await socket.json();
  equal(socket.protocol, 'tidings.v1', 'the subprotocol');
  equal(position.endsWith('.0'), true, 'an empty channel has a position');
  socket.send(JSON.stringify({ publish: 'mine', event: 'price', ref: 'r' }));
  const pair = [await socket.json(), await socket.json()];
  const own = pair.find((one) => 'data' in one);
  equal(pair.find((one) => 'ack' in one), { ack: 'r', id: own.id }, 'ack');
  equal(own, { id: own.id, event: 'price', data: 'mine' }, 'own message');
  socket.send('no JSON');
  equal((await socket.json()).error.code, 'malformed', 'an error');
  socket.terminate();

  let after = own.id;
  for (let number = 0; number < 60; number += 1) {
    if (number % 20 === 0) socket = open(url('node', `?after=${after}`), ['tidings.v1']);
    if (number % 20 === 0) equal(await socket.json(), { position: after }, 'the position asked for');
    await publish(server, 'node', `message ${number}`);
    const envelope = await socket.json();
    equal(envelope.data, `message ${number}`, 'resumed');
    after = envelope.id;
    if (number % 20 === 19) socket.terminate();
  }
  socket = open(url('node', `?after=${position}`), ['tidings.v1']);
  await socket.json();
  const { gap } = await socket.json();
  equal([gap.reason, gap.first, gap.last], ['trimmed', 1, 11], '50 of 61 are kept');
  socket.send(Buffer.from([1]));
  equal((await once(socket, 'close'))[0], 1003, 'a binary frame');
}

async function refused() {
  const socket = new WebSocket(url('%2F'));
  const [, answer] = await once(socket, 'unexpected-response');
  equal(answer.statusCode, 400, 'refused before the upgrade');
  answer.destroy();
}

await bare();
await envelopes();
await refused();
console.log(`ws ${checks.version('ws')} (Node): both forms, ${checks.count} checks`);
process.exit(0);
