/**
 * Readers of Tidings channels for the browser: one class a transport, all of one shape.
 *
 *     import { SseReader } from '/tidings.js';
 *
 *     const reader = new SseReader('/channels/news');
 *     reader.addEventListener('message', ({ data, position }) => show(data));
 *     reader.addEventListener('gap', ({ gap }) => showLoss(gap.first, gap.last));
 *
 * `ShortPollReader`, `LongPollReader`, `SseReader` and `WebSocketReader` differ in how they ask and in
 * what that costs; what they hand out is the same. The transport is the caller's choice: none is tried
 * in place of another.
 *
 * Options of every reader, all optional:
 * - `after`: the position to go on from; everything behind it that is kept follows.
 * - `from`: where to start without one: `'latest'` (default), `'earliest'`, or `'-20'` for 20 back.
 * - `interval` (short polling): milliseconds from an answer to the next request, default 2000.
 * - `wait` (long polling): seconds that the server may hold a request, default 25, at most 55.
 * - `events` (SSE): names of events to receive beside unnamed ones, since an EventSource hands out
 *   only those that it was asked for. The other transports hand out all.
 *
 * Properties: `position` (the last one reached, `null` before the first), `state` (`'connecting'`,
 * `'open'`, `'waiting'` for the next attempt, `'closed'`), `requests` (made so far), `empty` (answers
 * that held nothing), and on `ShortPollReader` `interval`, which may be set at any time.
 *
 * Events:
 * - `message`: `data` (a string; a Uint8Array where it was published as binary), `event` (its name or
 *   `null`), `position`.
 * - `gap`: messages were lost, and which: `gap` is `{reason, asked, first, last, next}`.
 * - `open`: connected, or the first answer of a poll; again after each reconnect. `position`.
 * - `answer` (polls): an answer came. `count` of its messages, 0 for an empty one.
 * - `reconnect`: the connection was lost. `reason`, `position` to go on from, `delay` until the next
 *   attempt in milliseconds, `null` where the browser decides (SSE: after 1 to 5 s, as the server says,
 *   and up to 30 s where it stops).
 * - `close`: the end. `reason`. After `close()`, or where the server says that asking is of no use.
 *
 * A lost connection is opened again after 0.75 to 1.5 s, then twice as long each time up to 30 s, each
 * time with chance in it, so that readers who were cut together do not return together. Reading goes on
 * at the exact position: nothing is skipped or doubled, and a loss is always told by a `gap`.
 *
 * Only `WebSocketReader` sends too: `await reader.publish('text', { event, key })` gives the position
 * once the message is in the channel. Over the other three, `publish(url, data, options)` is a POST.
 */

const FIRST_DELAY = 1500;
const MAX_DELAY = 30_000;
/** A connection that lived this long was a good one: the next delay is a first one again. */
const GOOD_FOR = 5000;
/** How long an answer may take beyond the wait that was asked for. */
const ANSWER_TIMEOUT = 15_000;
const MAX_PENDING = 100;

/** An event with fields of its own. */
class ReaderEvent extends Event {
  constructor(type, fields) {
    super(type);
    Object.assign(this, fields);
  }
}

/** What all readers share: the position, the state, and coming back after a loss. */
class Reader extends EventTarget {
  #attempt = 0;
  #openedAt = 0;
  #timer = 0;

  constructor(url, { after = null, from = null } = {}) {
    super();
    this.url = new URL(url, globalThis.document?.baseURI ?? globalThis.location.href);
    this.position = after;
    this.from = from;
    this.state = 'connecting';
    this.requests = 0;
    this.empty = 0;
    // Listeners are added first.
    queueMicrotask(() => this.isClosed || this._connect());
  }

  get isClosed() {
    return this.state === 'closed';
  }

  /** Ends reading. Nothing is handed out afterwards. */
  close() {
    this._end('closed by this page');
  }

  /** The URL with where to start in its query. */
  _startUrl() {
    const url = new URL(this.url);
    if (this.position !== null) url.searchParams.set('after', this.position);
    else if (this.from !== null) url.searchParams.set('from', this.from);
    return url;
  }

  _after(delay, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delay);
  }

  _opened(position = this.position) {
    if (this.state === 'open' || this.isClosed) return;
    this.state = 'open';
    this.position = position;
    this.#openedAt = performance.now();
    this._tell('open', { position });
  }

  _message(position, event, data) {
    if (this.isClosed) return;
    this.position = position;
    this._tell('message', { position, event, data });
  }

  _gap(gap) {
    if (this.isClosed) return;
    this.position = gap.next ?? this.position;
    this._tell('gap', { gap });
  }

  /** The connection is lost; `_connect` is called again later. */
  _lost(reason, leastDelay = 0) {
    if (this.isClosed) return;
    const wasGood = this.state === 'open' && performance.now() - this.#openedAt > GOOD_FOR;
    this.#attempt = wasGood ? 1 : this.#attempt + 1;
    const longest = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (this.#attempt - 1));
    const delay = leastDelay + longest * (0.5 + Math.random() / 2);
    this._waiting(reason, delay);
    this._after(delay, () => {
      this.state = 'connecting';
      this._connect();
    });
  }

  _waiting(reason, delay) {
    if (this.isClosed) return;
    this.state = 'waiting';
    this._tell('reconnect', { reason, delay, position: this.position });
  }

  _end(reason) {
    if (this.isClosed) return;
    this.state = 'closed';
    clearTimeout(this.#timer);
    this._release(reason);
    this._tell('close', { reason, position: this.position });
  }

  _tell(type, fields) {
    this.dispatchEvent(new ReaderEvent(type, fields));
  }
}

/** Asks for pages: what both ways of polling share. */
class PollReader extends Reader {
  #abort = null;

  _connect() {
    this._ask();
  }

  _release() {
    this.#abort?.abort();
  }

  async _ask() {
    const abort = new AbortController();
    this.#abort = abort;
    const timer = setTimeout(() => abort.abort(), ANSWER_TIMEOUT + this._waitMillis());
    const askedAt = performance.now();
    this.requests += 1;
    let answer;
    let page = null;
    try {
      // `no-store`, since the cache of a browser lets a second reader of the same URL wait for the first.
      answer = await fetch(this.position === null ? this._startUrl() : this.url, {
        cache: 'no-store',
        headers: this._headers(),
        signal: abort.signal,
      });
      if (answer.status === 200) page = await answer.json();
    } catch {
      return this._lost('the connection was lost');
    } finally {
      clearTimeout(timer);
    }
    if (this.isClosed) return undefined;
    if (answer.status === 200 || answer.status === 304) return this._take(page, askedAt);
    return this.#refused(answer);
  }

  _headers() {
    const headers = { Accept: 'application/json' };
    if (this.position !== null) headers['If-None-Match'] = `"${this.position}"`;
    return headers;
  }

  _take(page, askedAt) {
    const messages = page?.messages ?? [];
    if (messages.length === 0 && !page?.gap) this.empty += 1;
    // The position of a page is behind its messages, which are not handed out yet.
    this._opened(this.position ?? (messages.length === 0 ? page?.position ?? null : null));
    this._tell('answer', { count: messages.length });
    if (page?.gap) this._gap(page.gap);
    for (const message of messages) this._message(message.id, message.event ?? null, payload(message));
    if (this.isClosed) return;
    if (page) this.position = page.position;
    const pause = page?.more ? 0 : this._pause(messages.length > 0, performance.now() - askedAt);
    if (pause > 0) this._after(pause, () => this._ask());
    else this._ask();
  }

  #refused(answer) {
    const { status } = answer;
    // A deleted channel comes back under a new epoch: who asks again is told the gap.
    if (status === 410) return this._lost('the channel was deleted');
    if (status === 408 || status === 429 || status >= 500) {
      const seconds = Number(answer.headers.get('Retry-After')) || 0;
      return this._lost(`the server answers ${status}`, seconds * 1000);
    }
    return this._end(`the server answers ${status}`);
  }
}

/** Short polling: asks every `interval` milliseconds, mostly for nothing. */
export class ShortPollReader extends PollReader {
  #interval;

  constructor(url, options = {}) {
    super(url, options);
    this.#interval = options.interval ?? 2000;
  }

  get interval() {
    return this.#interval;
  }

  set interval(millis) {
    this.#interval = millis;
    if (this.resting) this._after(millis, () => this._ask());
  }

  _ask() {
    this.resting = false;
    return super._ask();
  }

  _waitMillis() {
    return 0;
  }

  _pause() {
    this.resting = true;
    return Math.max(this.#interval, 1);
  }
}

/** Long polling: asks, and the server holds the request until there is news. */
export class LongPollReader extends PollReader {
  constructor(url, options = {}) {
    super(url, options);
    this.wait = options.wait ?? 25;
  }

  _waitMillis() {
    return this.wait * 1000;
  }

  _headers() {
    // The first request is held a second at most, so that `open` is not told only with the next news.
    const wait = this.state === 'open' ? this.wait : Math.min(this.wait, 1);
    return { ...super._headers(), Prefer: `wait=${wait}` };
  }

  _pause(hadNews, took) {
    // Something between here and the server does not wait: then this must not spin.
    return hadNews || took > 900 ? 0 : 1000;
  }
}

/** Server-Sent Events: one response that never ends, by the browser's own EventSource. */
export class SseReader extends Reader {
  #source = null;
  #names;
  #wasMade = false;

  constructor(url, options = {}) {
    super(url, options);
    this.#names = ['message', ...(options.events ?? [])];
  }

  _connect() {
    if (this.#wasMade && this.position === null) {
      // Made anew before its first message: the browser knew where it was, and tells nobody.
      this._gap({ reason: 'unknown', asked: null, first: null, last: null, next: null });
    }
    this.#wasMade = true;
    const source = new EventSource(this._startUrl());
    this.#source = source;
    source.addEventListener('open', () => {
      this.requests += 1;
      this._opened();
    });
    source.addEventListener('error', () => {
      if (this.state !== 'open') this.requests += 1;
      if (source.readyState === EventSource.CLOSED) this._lost('the stream was refused');
      else this._waiting('the connection was lost', null);
    });
    source.addEventListener('tidings.gap', (event) => this._gap(JSON.parse(event.data)));
    for (const name of this.#names) {
      const event = name === 'message' ? null : name;
      source.addEventListener(name, ({ lastEventId, data }) => this._message(lastEventId, event, data));
      source.addEventListener(`${name};base64`, ({ lastEventId, data }) =>
        this._message(lastEventId, event, fromBase64(data)));
    }
  }

  _release() {
    this.#source?.close();
  }
}

/** WebSocket: an upgraded connection, both ways, in the subprotocol `tidings.v1`. */
export class WebSocketReader extends Reader {
  #socket = null;
  #pending = new Map();
  #lastRef = 0;

  /**
   * Publishes a string. What was sent and not answered when the connection was lost is sent again
   * under its key, so that it is in the channel once.
   * @returns {Promise<string>} the position of the message
   */
  publish(data, { event, key = randomKey() } = {}) {
    if (this.isClosed) return Promise.reject(new Error('the reader is closed'));
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(new Error(`${MAX_PENDING} messages wait to be sent`));
    }
    this.#lastRef += 1;
    const ref = this.#lastRef;
    const frame = JSON.stringify({ publish: data, event, key, ref });
    return new Promise((resolve, reject) => {
      this.#pending.set(ref, { frame, resolve, reject });
      if (this.state === 'open') this.#socket.send(frame);
    });
  }

  _connect() {
    const url = this._startUrl();
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.requests += 1;
    const socket = new WebSocket(url, ['tidings.v1']);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(data)));
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason));
  }

  #take(envelope) {
    // Envelopes of another channel than the URL's.
    if (envelope.channel !== undefined) return;
    if (envelope.id !== undefined && envelope.ack === undefined) {
      this._message(envelope.id, envelope.event ?? null, payload(envelope));
    } else if (envelope.position !== undefined) {
      this._opened(envelope.position);
      for (const { frame } of this.#pending.values()) this.#socket.send(frame);
    } else if (envelope.gap !== undefined) {
      this._gap(envelope.gap);
    } else if (envelope.ack !== undefined) {
      this.#settle(envelope.ack, ({ resolve }) => resolve(envelope.id));
    } else if (envelope.error !== undefined) {
      const { message } = envelope.error;
      this.#settle(envelope.ref, ({ reject }) => reject(new Error(message)));
    }
  }

  #settle(ref, action) {
    const waiting = this.#pending.get(ref);
    this.#pending.delete(ref);
    if (waiting) action(waiting);
  }

  #closed(code, reason) {
    const refused = [1003, 1007, 1008, 1009].includes(code);
    const hadPending = this.#pending.size > 0;
    // What was refused once would be refused again.
    if (refused) this.#rejectAll(reason || `the server closed with ${code}`);
    if (refused && !hadPending) this._end(reason || `the server closed with ${code}`);
    else if (code === 4010) this._lost('the channel was deleted');
    else this._lost(code === 1012 ? 'the server restarts' : 'the connection was lost');
  }

  #rejectAll(why) {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new Error(why));
  }

  _release(reason) {
    this.#rejectAll(reason);
    this.#socket?.close();
  }
}

/**
 * Publishes by POST: a string as text, a Uint8Array or an ArrayBuffer as binary.
 * Under the same `key` a message is in the channel once, however often it is sent.
 * @returns {Promise<string>} the position of the message
 */
export async function publish(url, data, { event, key = randomKey(), headers = {} } = {}) {
  const target = new URL(url, globalThis.document?.baseURI ?? globalThis.location.href);
  if (event) target.searchParams.set('event', event);
  const type = typeof data === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
  const answer = await fetch(target, {
    method: 'POST',
    body: data,
    cache: 'no-store',
    headers: { 'Content-Type': type, 'Idempotency-Key': key, ...headers },
  });
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  return (await answer.json()).id;
}

function payload(message) {
  return message.data_base64 === undefined ? message.data : fromBase64(message.data_base64);
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.codePointAt(0));
}

/** 128 random bits. `crypto.randomUUID` is missing where a page is served without TLS. */
function randomKey() {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
