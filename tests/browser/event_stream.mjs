// The event streams of tidings.js against the cases of crates/sse, over several cuttings.
// Usage: event_stream.mjs TIDINGS_READERS_JS CORPUS...
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [script, ...corpora] = process.argv.slice(2);
const { EventStream } = await import(pathToFileURL(script));

/** Reads chunks of octets as `SseReader` does. */
function read(chunks) {
  const stream = new EventStream();
  const text = new TextDecoder();
  const seen = { events: [], retry: null, id: '' };
  for (const chunk of chunks) {
    for (const { retry, id, event, data } of stream.blocks(text.decode(chunk, { stream: true }))) {
      if (retry !== null) seen.retry = retry;
      seen.id = id;
      if (data !== null) seen.events.push({ event, data, id });
    }
  }
  return seen;
}

const single = (octets) => Array.from(octets, (octet) => Uint8Array.of(octet));
let count = 0;
for (const corpus of corpora) {
  for (const line of (await readFile(corpus, 'utf8')).split('\n').filter(Boolean)) {
    const one = JSON.parse(line);
    const given = one.chunks?.map((chunk) => Buffer.from(chunk)) ?? one.chunks_hex.map((hex) => Buffer.from(hex, 'hex'));
    const whole = Buffer.concat(given);
    const cuttings = [given, [whole], single(whole), [whole, Buffer.alloc(0)]];
    for (const chunks of cuttings) {
      const { events, id } = read(chunks);
      assert.deepEqual(events, one.events, `${one.id}: ${one.note}`);
      assert.equal(id, one.last_event_id, `${one.id}: last event ID`);
    }
    count += 1;
  }
}
console.log(`tidings.js: ${count} event streams of the corpus, each in four cuttings`);
