// A relay of TCP to a server that counts connections, and can keep upgrades out or cut them after a while.
import { once } from 'node:events';
import net from 'node:net';

const REFUSED = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/**
 * `rules.keepsOut`: a request with an Upgrade is answered 403. `rules.cutAfter`: an upgraded connection is reset
 * after so many milliseconds. `rules.cutSilence`: any connection is reset after so many milliseconds
 * without an octet of the server's. `rules.holdAfter`: of an event stream only so many octets pass. `rules.isAway`: everything is reset. All may be changed at any time.
 */
export async function relay(base, rules = {}) {
  const { hostname, port } = new URL(base);
  const upgrades = new Set();
  const made = { upgrades: 0 };
  const open = new Set();
  const server = net.createServer((client) => {
    client.on('error', () => {});
    if (rules.isAway) {
      client.resetAndDestroy();
      return;
    }
    open.add(client);
    client.on('close', () => open.delete(client));
    client.once('data', (head) => {
      const isUpgrade = /^upgrade: websocket/im.test(head.toString('latin1'));
      if (isUpgrade && rules.keepsOut) {
        client.end(REFUSED);
        return;
      }
      const upstream = net.connect(Number(port), hostname);
      upstream.on('error', () => {});
      upstream.write(head);
      client.pipe(upstream);
      let left = Infinity;
      let silence = 0;
      const hear = () => {
        clearTimeout(silence);
        if (rules.cutSilence) silence = setTimeout(() => client.resetAndDestroy(), rules.cutSilence);
      };
      hear();
      upstream.on('data', (octets) => {
        hear();
        // A connection carries other requests before that of a stream.
        if (rules.holdAfter && /^content-type: text\/event-stream/im.test(octets.toString('latin1'))) left = rules.holdAfter;
        if (left > 0) client.write(octets.subarray(0, left));
        left -= octets.length;
      });
      client.on('close', () => {
        clearTimeout(silence);
        upstream.destroy();
      });
      upstream.on('close', () => client.destroy());
      if (!isUpgrade) return;
      upgrades.add(client);
      made.upgrades += 1;
      client.on('close', () => upgrades.delete(client));
      if (rules.cutAfter) setTimeout(() => client.resetAndDestroy(), rules.cutAfter);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const leave = () => {
    rules.isAway = true;
    for (const client of open) client.resetAndDestroy();
  };
  return { base: `http://127.0.0.1:${server.address().port}`, rules, upgrades, made, leave };
}
