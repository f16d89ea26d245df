// Broadcasts a text to subscribers whose transport is memory, with permessage-deflate and no context takeover, and
// prints the CPU time of one broadcast in nanoseconds and the octets that it wrote.
//
// node broadcast.mjs TEXT SUBSCRIBERS MILLISECONDS

import { Duplex } from "node:stream";
import { WebSocketServer } from "ws";

const [text, subscribers, milliseconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

class Sink extends Duplex {
  octets = 0;
  _read() {}
  _write(octets, _, done) {
    this.octets += octets.length;
    done();
  }
  setTimeout() {}
  setNoDelay() {}
}

const server = new WebSocketServer({
  noServer: true,
  perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 },
});
const request = {
  method: "GET",
  url: "/",
  headers: {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-extensions":
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  },
};
const sinks = Array.from({ length: subscribers }, () => new Sink());
const peers = await Promise.all(
  sinks.map((sink) => new Promise((open) => server.handleUpgrade(request, sink, Buffer.alloc(0), open))),
);
const written = () => sinks.reduce((sum, sink) => sum + sink.octets, 0);
const broadcast = () =>
  Promise.all(
    peers.map((peer) => new Promise((sent, failed) => peer.send(text, (error) => (error ? failed(error) : sent())))),
  );

for (let warm = 0; warm < 3; warm += 1) await broadcast();
const [before, begun] = [written(), process.cpuUsage()];
let [count, cpu] = [0, 0];
do {
  await broadcast();
  count += 1;
  const { user, system } = process.cpuUsage(begun);
  cpu = user + system;
} while (cpu < milliseconds * 1000);
console.log(Math.round((cpu * 1000) / count), (written() - before) / count);
process.exit(0);
