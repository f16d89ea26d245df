// A page that uses tidings.js from TypeScript: it type-checks, and what is wrong in it does not.
import { SseReader, Tidings, TRANSPORTS, WebSocketReader, publish } from './tidings.js';
import type { Channel, Data, Gap, Position, State, Transport } from './tidings.js';

const tidings = new Tidings('/push/', { transports: ['websocket', 'sse'], streams: 6, upgradeAfter: 10_000 });
tidings.addEventListener('transport', ({ detail }) => {
  const chosen: Transport = detail.transport;
  const before: Transport | null = detail.previous;
  console.info(chosen, before, detail.reason.length, TRANSPORTS.indexOf(chosen));
});

const seen: Array<[Data, string | null, Position]> = [];
const prices: Channel = tidings.channel('prices', { from: '-20' });
prices.addEventListener('message', ({ detail }) => {
  const text = typeof detail.data === 'string' ? detail.data : new TextDecoder().decode(detail.data);
  seen.push([text, detail.event, detail.position]);
}, { once: true });
prices.addEventListener('gap', ({ detail }) => {
  const gap: Gap = detail.gap;
  if (gap.first !== null && gap.last !== null) console.info(gap.last - gap.first + 1, 'lost');
});
prices.addEventListener('state', ({ detail }) => {
  const state: State = detail.state;
  console.info(state, detail.reason ?? '', detail.delay ?? 0);
});
prices.addEventListener('error', ({ detail }) => console.error(detail.reason, detail.status ?? 0));
const position: Promise<Position> = prices.publish(new Uint8Array([0, 255]), { event: 'octets', key: 'k' });
void position.then((at) => tidings.channel('later', { after: at }));
void publish('/channels/news', 'text', { headers: { Authorization: 'Bearer key' } });
tidings.channels.forEach((channel) => channel.close());
tidings.close();

const socket = new WebSocketReader('/channels/a', { from: 'earliest' });
socket.subscribe('b').addEventListener('open', ({ detail }) => console.info(detail.position, socket.channels));
new SseReader(new URL('https://push.example/channels/a')).addEventListener('reconnect', ({ detail }) => {
  const cause: 'network' | 'server' | 'blocked' | 'silent' = detail.cause;
  console.info(cause, detail.delay);
});

// @ts-expect-error no such place to start
tidings.channel('a', { from: 'yesterday' });
// @ts-expect-error no such transport
new Tidings('/', { transports: ['udp'] });
// @ts-expect-error no such event
prices.addEventListener('mesage', () => {});
// @ts-expect-error the detail of a gap has no data
prices.addEventListener('gap', ({ detail }) => detail.data);
// @ts-expect-error octets are not published over a WebSocketReader
void socket.publish(new Uint8Array(1));
// @ts-expect-error the position is told, not set
prices.position = null;
