/**
 * Tidings channels in the browser: no dependency, no build step. `tidings.d.ts` beside this file has the types.
 *
 *     import { Tidings } from '/tidings.js';
 *
 *     const tidings = new Tidings('/');
 *     const news = tidings.channel('news', { from: '-20' });
 *     news.addEventListener('message', ({ detail }) => show(detail.data, detail.event, detail.position));
 *     news.addEventListener('gap', ({ detail }) => showLoss(detail.gap.first, detail.gap.last));
 *     tidings.addEventListener('transport', ({ detail }) => console.info(detail.transport, detail.reason));
 *
 * `Tidings` reads many channels and finds the way that gets through: all of them over one WebSocket; where that
 * does not work a Server-Sent Events stream for each of the first four channels (a browser has six connections
 * to a host) and short polls for the others; then long polls in the same way; then short polls. A way is left
 * only where the server answers and the way does not get through, or where it is cut several times within
 * seconds. It says what it took and why, goes on at the exact position of each channel, and tries the better
 * ways again later, with growing pauses.
 *
 * Below it are `ShortPollReader`, `LongPollReader`, `SseReader` and `WebSocketReader`: one channel by one
 * transport of your choice, all of one shape.
 *
 * A lost connection is opened again after 0.75 to 1.5 s, then twice as long each time up to 30 s, with chance in
 * it, so that readers who were cut together do not return together; an event stream waits at least as long
 * as the server asked for. From `open` on nothing is skipped or doubled, and a loss is always told by a `gap`.
 *
 * Options, properties and events: docs/tidings-js.md in the repository, and `tidings.d.ts`.
 */

import {
  LongPollReader,
  PATIENCE,
  ShortPollReader,
  SseReader,
  absolute,
  isPassing,
  publish,
} from './tidings-readers.js';
import { MAX_SHARED, WebSocketReader } from './tidings-websocket.js';

export { LongPollReader, ShortPollReader, SseReader, WebSocketReader, publish };

/** The transports of `Tidings`, the best first. */
export const TRANSPORTS = Object.freeze(['websocket', 'sse', 'long-poll', 'short-poll']);

const READERS = {
  websocket: WebSocketReader,
  sse: SseReader,
  'long-poll': LongPollReader,
  'short-poll': ShortPollReader,
};

/** A connection that was cut before it was this old was cut soon. */
const SOON = 30_000;
/** A transport that held for so long is tried again as early as the first time. */
const HELD_WELL = 300_000;
const MAX_UPGRADE_DELAY = 1_800_000;

/** Many channels of one server, read by the best transport that gets through. */
export class Tidings extends EventTarget {
  #base;
  #options;
  #channels = new Map();
  #transports;
  #transport;
  /** The reader whose connection the channels share, where they share one. */
  #shared = null;
  #since = 0;
  /** The transport in use has opened since it was chosen. */
  #hasOpened = false;
  /** Another transport is looked for. */
  #isLooking = false;
  #upgradeDelay;
  #upgradeTimer = 0;
  #trial = null;
  #isClosed = false;

  constructor(base = '/', options = {}) {
    super();
    this.#base = absolute(base);
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/';
    this.#options = { streams: 4, cuts: 3, upgradeAfter: 30_000, patience: PATIENCE, ...options };
    const wanted = options.transports ?? TRANSPORTS;
    this.#transports = TRANSPORTS.filter((transport) => wanted.includes(transport));
    if (this.#transports.length === 0) throw new TypeError('transports names none that there is');
    this.#transport = this.#transports[0];
    this.#upgradeDelay = this.#options.upgradeAfter;
  }

  /** The transport in use. */
  get transport() {
    return this.#transport;
  }

  get isClosed() {
    return this.#isClosed;
  }

  /** The channels that are read. */
  get channels() {
    return [...this.#channels.values()];
  }

  /** Reads a channel. One that is read already is the same object; its options stay as they were. */
  channel(name, options = {}) {
    if (this.#isClosed) throw new Error('this Tidings is closed');
    const known = this.#channels.get(name);
    if (known) return known;
    const url = new URL(`channels/${encodeURIComponent(name)}`, this.#base);
    const channel = new Channel(name, url, options, (closed) => this.#left(closed));
    this.#channels.set(name, channel);
    // Listeners are added first.
    queueMicrotask(() => this.#begin(channel));
    return channel;
  }

  /** Closes every channel and every connection. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const channel of this.channels) channel.close();
  }

  #begin(channel) {
    // A switch of another channel may have taken it along.
    if (channel.isClosed || channel.reader) return;
    if (this.#since === 0) this.#use(this.#transport, 'the first choice');
    else this.#attach(channel);
    // While nothing was read, nothing was tried.
    if (this.#channels.size === 1 && this.#transport !== this.#transports[0]) this.#upgradeLater();
  }

  #attach(channel) {
    const options = { ...this.#options, ...channel._start() };
    const add = (transport, reader, reason) => {
      if (transport === this.#transport) reader.addEventListener('open', () => (this.#hasOpened = true));
      channel._read(reader, transport, reason, (fault) => this.#fault(transport, channel, fault));
    };
    if (this.#transport === 'websocket' && this.#shared === null) {
      this.#shared = new WebSocketReader(channel.url, options);
      add('websocket', this.#shared, null);
    } else if (this.#transport === 'websocket' && this.#shared.channels < MAX_SHARED) {
      add('websocket', this.#shared.subscribe(channel.name, options), null);
    } else if (this.#transport === 'websocket') {
      add('short-poll', new ShortPollReader(channel.url, options), `a WebSocket carries ${MAX_SHARED} channels`);
    } else if (this.#transport !== 'short-poll' && this.#held() >= this.#options.streams) {
      const reason = `a browser has six connections to a host: ${this.#options.streams} channels hold one, further ones poll`;
      add('short-poll', new ShortPollReader(channel.url, options), reason);
    } else {
      add(this.#transport, new READERS[this.#transport](channel.url, options), null);
    }
  }

  /** Channels that hold a connection of their own. */
  #held() {
    return this.channels.filter(({ reader, transport }) => reader && transport === this.#transport).length;
  }

  #left(channel) {
    this.#channels.delete(channel.name);
    if (this.#channels.size === 0) {
      this.#shared = null;
      this.#stopUpgrades();
      return;
    }
    // The others go on over a connection of their own; a place that is free is taken.
    if (this.#shared?.isClosed) this.#attachAll();
    else if (channel.transport === this.#transport) this.#promote();
  }

  #promote() {
    const next = this.channels.find(({ reader, transport }) => reader && transport !== this.#transport);
    if (!next) return;
    next._leave();
    this.#attach(next);
  }

  #attachAll() {
    this.#shared = null;
    for (const channel of this.channels) channel._leave();
    for (const channel of this.channels) this.#attach(channel);
  }

  /** A connection of the transport in use was lost. Its reader comes back by itself, unless another way is better. */
  #fault(transport, channel, { cause, lived, reason }) {
    if (transport !== this.#transport || this.#isLooking) return;
    if (this.#shared && channel.reader !== this.#shared) return;
    if (cause === 'blocked') {
      this.#stepDown(reason);
    } else if (cause === 'silent' || (cause === 'network' && lived === 0)) {
      this.#probe(channel, cause, reason);
    } else if (cause === 'network') {
      channel.cuts = lived < SOON ? channel.cuts + 1 : 0;
      if (channel.cuts >= this.#options.cuts) this.#stepDown(`it was cut ${channel.cuts} times within seconds`);
    }
  }

  /** Asks the server by a short poll. Where it answers, it is the transport that does not get through. */
  async #probe(channel, cause, reason) {
    const { reader } = channel;
    // Meanwhile it may be let go, or come back: to be silent again, where it was silent.
    const isMended = () => channel.reader !== reader || (cause !== 'silent' && reader.state === 'open');
    this.#isLooking = true;
    const answer = await this.#poll(channel);
    let isWellAgain = answer === null || isPassing(answer.status) || isMended();
    if (!isWellAgain && answer.status < 400 && cause !== 'silent' && this.#hasOpened) {
      // It has got through: the server may have been away, and have come back before the poll.
      isWellAgain = (await this.#fails(this.#transport, channel)) === null || isMended();
    }
    this.#isLooking = false;
    if (isWellAgain || channel.isClosed) return;
    if (answer.status >= 400) {
      channel._fail(`the server answers ${answer.status}`, answer.status);
      return;
    }
    channel._startAt(/"([^"]+)"/.exec(answer.headers.get('ETag') ?? '')?.[1] ?? null);
    this.#stepDown(`${reason}, though the server answers`);
  }

  /** The answer to a short poll, `null` where there is none. */
  async #poll({ url }) {
    try {
      return await fetch(url, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(this.#options.patience) });
    } catch {
      return null;
    }
  }

  /** Goes to the next transport that gets through. */
  async #stepDown(reason) {
    const below = this.#transports.slice(this.#transports.indexOf(this.#transport) + 1);
    const [channel] = this.#channels.values();
    let why = reason;
    this.#isLooking = true;
    while (below.length > 1) {
      // A proxy that holds small events back lets a backlog pass. A stream without one shows it.
      const fault = below[0] === 'sse' ? await this.#fails('sse', channel) : null;
      if (fault === null) break;
      why += `; ${below.shift()}: ${fault}`;
    }
    this.#isLooking = false;
    if (below.length === 0 || this.#channels.size === 0) return;
    if (performance.now() - this.#since > HELD_WELL) this.#upgradeDelay = this.#options.upgradeAfter;
    this.#use(below[0], why);
    this.#upgradeLater();
  }

  #use(transport, reason) {
    const previous = this.#since === 0 ? null : this.#transport;
    this.#transport = transport;
    this.#since = performance.now();
    this.#hasOpened = false;
    this.dispatchEvent(new CustomEvent('transport', { detail: { transport, previous, reason } }));
    if (!this.#isClosed) this.#attachAll();
  }

  #upgradeLater() {
    clearTimeout(this.#upgradeTimer);
    const delay = this.#upgradeDelay * (0.5 + Math.random() / 2);
    this.#upgradeTimer = setTimeout(() => this.#upgrade(), delay);
  }

  /** Tries the better transports, beside the one in use, which goes on until one of them has opened. */
  async #upgrade() {
    this.#upgradeDelay = Math.min(this.#upgradeDelay * 2, MAX_UPGRADE_DELAY);
    for (const transport of this.#transports.slice(0, this.#transports.indexOf(this.#transport))) {
      const [channel] = this.#channels.values();
      const fault = await this.#fails(transport, channel);
      // The last channel was closed meanwhile.
      if (this.#channels.size === 0) return;
      if (fault === null) {
        this.#use(transport, `${transport} gets through`);
        break;
      }
    }
    if (this.#transport !== this.#transports[0]) this.#upgradeLater();
  }

  /** Opens a connection beside those in use: `null` where it opens, else why it does not. */
  #fails(transport, channel) {
    const trial = new READERS[transport](channel.url, { ...this.#options, from: 'latest' });
    this.#trial = trial;
    return new Promise((resolve) => {
      trial.addEventListener('open', () => resolve(null));
      for (const type of ['reconnect', 'close']) trial.addEventListener(type, ({ detail }) => resolve(detail.reason));
    }).finally(() => trial.close());
  }

  #stopUpgrades() {
    clearTimeout(this.#upgradeTimer);
    this.#trial?.close();
  }
}

/** One channel of a `Tidings`. It outlives the connections and transports by which it is read. */
class Channel extends EventTarget {
  #from;
  #left;
  #stop = null;

  constructor(name, url, { after = null, from = null }, left) {
    super();
    this.name = name;
    this.url = url;
    this.position = after;
    this.#from = from;
    this.#left = left;
    this.state = 'connecting';
    this.transport = null;
    this.reader = null;
    /** How often its connection was cut soon, one time after the other. */
    this.cuts = 0;
  }

  get isClosed() {
    return this.state === 'closed';
  }

  /** Publishes by POST, whatever transport reads. */
  publish(data, options = {}) {
    return publish(this.url, data, options);
  }

  /** Ends reading. Nothing is handed out afterwards. */
  close() {
    this.#end('closed by this page');
  }

  _start() {
    return { after: this.position, from: this.#from };
  }

  /** Begins at a position, where it was to begin at the latest and none was reached. */
  _startAt(position) {
    if (this.position === null && (this.#from === null || this.#from === 'latest')) this.position = position;
  }

  /** Reads by a reader, in place of the one before. */
  _read(reader, transport, reason, fault) {
    const stop = new AbortController();
    this.#stop = stop;
    this.reader = reader;
    this.cuts = 0;
    const on = (type, hear) => reader.addEventListener(type, ({ detail }) => hear(detail), { signal: stop.signal });
    const moved = (detail) => {
      this.position = reader.position;
      return detail;
    };
    on('open', (detail) => this.#show('open', moved(detail)));
    on('message', (detail) => this.#tell('message', moved(detail)));
    on('gap', (detail) => this.#tell('gap', moved(detail)));
    on('answer', moved);
    on('reconnect', (detail) => {
      this.#show('waiting', { reason: detail.reason, delay: detail.delay });
      fault(detail);
    });
    // Where a shared connection ends, its other channels go on over the next one.
    on('close', ({ reason: why, status }) => reader.isOrphan || this._fail(why, status));
    if (this.transport === transport) return;
    this.transport = transport;
    this.#tell('transport', { transport, reason });
  }

  /** Lets its reader go. What is read next begins where this one ended. */
  _leave() {
    const { reader } = this;
    this.#stop?.abort();
    if (reader) this.position = reader.position;
    this.reader = null;
    reader?.close();
    this.#show('connecting', {});
  }

  _fail(reason, status) {
    if (this.isClosed) return;
    this.#tell('error', { reason, status });
    this.#end(reason);
  }

  #end(reason) {
    if (this.isClosed) return;
    this.#stop?.abort();
    this.reader?.close();
    this.#show('closed', { reason });
    this.#left(this);
  }

  #show(state, { reason = null, delay = null }) {
    if (this.state === state || this.isClosed) return;
    this.state = state;
    this.#tell('state', { state, reason, delay });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail: { channel: this.name, ...detail } }));
  }
}
