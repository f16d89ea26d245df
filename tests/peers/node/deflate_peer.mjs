// permessage-deflate of `ws`, as clients of one server or as a server.
// Usage: deflate_peer.mjs client HOST:PORT COUNT, where the server wants something else at each path /0 to /COUNT-1;
// deflate_peer.mjs server, which prints its port and echoes until it is ended;
// deflate_peer.mjs channel HOST:PORT, which reads the three messages of /channels/a by several offers.
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import * as checks from './checks.mjs';
import { equal } from './checks.mjs';

const LONG = 'Tidings of great joy. '.repeat(3000);
const MESSAGES = ['Hello', '', 'Hello', LONG, Buffer.from([0, 255]), Buffer.alloc(100_000), 'κόσμε', LONG];
const OFFERS = [
  {},
  { serverNoContextTakeover: true, clientNoContextTakeover: true },
  { serverMaxWindowBits: 10, clientMaxWindowBits: 11 },
  { clientMaxWindowBits: 12 },
  { serverNoContextTakeover: true, serverMaxWindowBits: 12 },
];

async function client(server, count) {
  let compressed = 0;
  for (let path = 0; path < count; path += 1) {
    for (const offer of OFFERS) {
      const socket = new WebSocket(`ws://${server}/${path}`, { perMessageDeflate: { threshold: 0, ...offer } });
      await once(socket, 'open');
      compressed += socket.extensions === 'permessage-deflate' ? 1 : 0;
      for (const message of MESSAGES) {
        const echo = once(socket, 'message');
        socket.send(message);
        const [data, binary] = await echo;
        equal(binary ? data : data.toString(), message, `/${path} ${JSON.stringify(offer)}`);
      }
      const echo = once(socket, 'message');
      socket.send('in ', { fin: false });
      socket.ping('between');
      socket.send('parts', { fin: true });
      equal((await echo)[0].toString(), 'in parts', 'fragments');
      socket.close(1000);
      equal((await once(socket, 'close'))[0], 1000, 'the closing handshake');
    }
  }
  const all = count * OFFERS.length;
  equal(compressed >= all / 2, true, `${compressed} of ${all} compress`);
  console.log(`ws ${checks.version('ws')} (Node): ${compressed} of ${all} handshakes compress, ${checks.count} checks`);
}

function server() {
  const listening = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0 } });
  listening.on('listening', () => console.log(listening.address().port));
  listening.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
}

// What `tidings serve --deflate` compressed once: short, in a small window, in a large one.
async function channel(server) {
  const wanted = ['short', 'small '.repeat(200), 'large '.repeat(2000)];
  const offers = [false, {}, { serverMaxWindowBits: 12 }, { serverNoContextTakeover: true }];
  const read = [];
  for (const perMessageDeflate of offers) {
    const socket = new WebSocket(`ws://${server}/channels/a?from=earliest`, { perMessageDeflate });
    const got = [];
    socket.on('message', (data) => got.push(data.toString()));
    while (got.length < wanted.length) await once(socket, 'message');
    const name = JSON.stringify(perMessageDeflate);
    equal(got.join('|'), wanted.join('|'), name);
    equal(socket.extensions, perMessageDeflate ? 'permessage-deflate' : '', name);
    read.push(socket._socket.bytesRead);
    socket.close(1000);
    equal((await once(socket, 'close'))[0], 1000, 'the closing handshake');
  }
  const [plain, both, one, all] = read;
  equal(both < 1000 && all < 1000, true, `${read}: both long messages are compressed`);
  equal(one > 12_000 && one < plain - 1000, true, `${read}: the one that fits in the window is`);
  console.log(`ws ${checks.version('ws')} (Node): ${plain} octets as they are, ${both} compressed, ${checks.count} checks`);
}

if (process.argv[2] === 'channel') await channel(process.argv[3]);
else if (process.argv[2] === 'client') await client(process.argv[3], Number(process.argv[4]));
else server();
