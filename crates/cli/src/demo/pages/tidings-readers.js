/**
 * Readers of one channel over HTTP: `ShortPollReader`, `LongPollReader` and `SseReader`; `WebSocketReader` is in
 * `tidings-websocket.js`. They differ in how they ask and in what that costs; what they hand out is the same.
 * `tidings.js` hands them out, and chooses among them.
 */

export const FIRST_DELAY = 1500;
const MAX_DELAY = 30_000;
/** A connection that lived this long was a good one: the next delay is a first one again. */
const GOOD_FOR = 5000;
/** How long a connection may take to begin, and an answer beyond the wait that was asked for. */
export const PATIENCE = 5000;
const ANSWER_TIMEOUT = 15_000;
/** Server-Sent Events have a heartbeat every 15 s. */
const MAX_SILENCE = 40_000;
const SILENT = { reason: 'the server was silent for too long', cause: 'silent' };

/** Where one channel is read: the position, the state, and the events that tell of them. */
export class Source extends EventTarget {
  constructor({ after = null, from = null } = {}) {
    super();
    this.position = after;
    this.from = from;
    this.state = 'connecting';
  }

  get isClosed() {
    return this.state === 'closed';
  }

  /** Ends reading. Nothing is handed out afterwards. */
  close() {
    this._end('closed by this page');
  }

  /** Where to start, as the members of a query or of a `subscribe`. */
  _start() {
    if (this.position !== null) return { after: this.position };
    return this.from === null ? {} : { from: this.from };
  }

  _opened(position = this.position) {
    if (this.state === 'open' || this.isClosed) return;
    this.state = 'open';
    this.position = position;
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

  _waiting(fault) {
    if (this.isClosed) return;
    this.state = 'waiting';
    this._tell('reconnect', { ...fault, position: this.position });
  }

  _end(reason, status = null) {
    if (this.isClosed) return;
    this.state = 'closed';
    this._release(reason);
    this._tell('close', { reason, status, position: this.position });
  }

  _tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** A source with a connection of its own, which comes back after a loss. */
export class Reader extends Source {
  #attempt = 0;
  #openedAt = 0;
  #timer = 0;

  constructor(url, options = {}) {
    super(options);
    this.url = absolute(url);
    this.patience = options.patience ?? PATIENCE;
    this.requests = 0;
    this.empty = 0;
    // Listeners are added first.
    queueMicrotask(() => this.isClosed || this._connect());
  }

  /** The URL with where to start in its query. */
  _startUrl() {
    const url = new URL(this.url);
    for (const [name, value] of Object.entries(this._start())) url.searchParams.set(name, value);
    return url;
  }

  _after(delay, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delay);
  }

  _opened(position) {
    if (this.state !== 'open') this.#openedAt = performance.now();
    super._opened(position);
  }

  /**
   * The connection is lost; `_connect` is called again later. `cause` is whose fault it was: of the `network`,
   * of the `server`, which says so, or of something between that changes what is sent: `blocked`. `silent` is
   * a stream without its heartbeats, by the network or by something that holds them back.
   */
  _lost(reason, { cause = 'network', least = 0 } = {}) {
    if (this.isClosed) return;
    const lived = this.state === 'open' ? performance.now() - this.#openedAt : 0;
    this.#attempt = lived > GOOD_FOR ? 1 : this.#attempt + 1;
    const longest = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (this.#attempt - 1));
    const delay = Math.max(least, longest * (0.5 + Math.random() / 2));
    this._after(delay, () => {
      this.state = 'connecting';
      this._connect();
    });
    // Told last: who hears it may close this reader.
    this._waiting({ reason, delay, cause, lived });
  }

  _end(reason, status) {
    clearTimeout(this.#timer);
    super._end(reason, status);
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
      if (answer.status === 200) page = await answer.text();
    } catch {
      this._wasCut(performance.now() - askedAt);
      return this._lost('the connection was lost');
    } finally {
      clearTimeout(timer);
    }
    if (this.isClosed) return undefined;
    if (answer.status === 304) return this._take(null, askedAt);
    if (answer.status !== 200) return this.#refused(answer, askedAt);
    page = pageOf(page);
    if (page === null) return this._lost('the answer is not that of a channel', { cause: 'blocked' });
    return this._take(page, askedAt);
  }

  _headers() {
    const headers = { Accept: 'application/json' };
    if (this.position !== null) headers['If-None-Match'] = `"${this.position}"`;
    return headers;
  }

  /** The poll was cut after so many milliseconds. */
  _wasCut() {}

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

  #refused(answer, askedAt) {
    const { status } = answer;
    const reason = `the server answers ${status}`;
    // A deleted channel comes back under a new epoch: who asks again is told the gap.
    if (status === 410) return this._lost('the channel was deleted', { cause: 'server' });
    if (status === 504) this._wasCut(performance.now() - askedAt);
    if (isPassing(status)) return this._lost(reason, { cause: 'server', least: retryAfter(answer) });
    return this._end(reason, status);
  }
}

/** Short polling: asks every `interval` milliseconds, mostly for nothing. */
export class ShortPollReader extends PollReader {
  #interval;
  #isResting = false;

  constructor(url, options = {}) {
    super(url, options);
    this.#interval = options.interval ?? 2000;
  }

  get interval() {
    return this.#interval;
  }

  set interval(millis) {
    this.#interval = millis;
    if (this.#isResting) this._after(millis, () => this._ask());
  }

  _ask() {
    this.#isResting = false;
    return super._ask();
  }

  _waitMillis() {
    return 0;
  }

  _pause() {
    this.#isResting = true;
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

  _wasCut(took) {
    // Something between cuts what is silent for so long: ask for less.
    if (took > 1500) this.wait = Math.max(1, Math.floor(Math.min(this.wait, took / 1000) / 2));
  }

  _pause(hadNews, took) {
    // Something between here and the server does not wait: then this must not spin.
    return hadNews || took > 900 ? 0 : 1000;
  }
}

/** Server-Sent Events: one response that never ends, read as it comes. */
export class SseReader extends Reader {
  #abort = null;
  #timer = 0;
  #maxSilence;
  /** How long the server asks to wait before coming back. */
  #retry = 0;

  constructor(url, options = {}) {
    super(url, options);
    this.#maxSilence = options.maxSilence ?? MAX_SILENCE;
  }

  async _connect() {
    const abort = new AbortController();
    this.#abort = abort;
    this.requests += 1;
    this.#retry = 0;
    try {
      // The position that the stream starts from comes at once. Where it does not, something holds it back.
      this.#endAfter(this.patience, abort, { reason: 'no event came in time', cause: 'network' });
      const answer = await fetch(this._startUrl(), {
        cache: 'no-store',
        headers: { Accept: 'text/event-stream' },
        signal: abort.signal,
      });
      if (answer.status !== 200) return this.#refused(answer);
      const type = answer.headers.get('Content-Type') ?? 'nothing';
      if (!/^text\/event-stream *(;|$)/i.test(type)) {
        abort.abort();
        return this._lost(`the answer is ${type}, not an event stream`, { cause: 'blocked' });
      }
      await this.#read(answer.body.getReader(), abort);
      // Who cuts does not end an answer well.
      return this._lost('the server ended the stream', { cause: 'server', least: this.#retry });
    } catch {
      const { reason = 'the connection was lost', cause = 'network' } = abort.signal.reason ?? {};
      return this._lost(reason, { cause, least: this.#retry });
    } finally {
      clearTimeout(this.#timer);
    }
  }

  async #read(body, abort) {
    const stream = new EventStream();
    const text = new TextDecoder();
    for (;;) {
      const { done, value } = await body.read();
      if (done || this.isClosed) return;
      for (const block of stream.blocks(text.decode(value, { stream: true }))) this.#take(block);
      if (this.state === 'open') this.#endAfter(this.#maxSilence, abort, SILENT);
    }
  }

  #take({ retry, id, event, data }) {
    if (retry !== null) this.#retry = retry;
    if (id !== '') this._opened(id);
    if (data === null) return;
    if (event === 'tidings.gap') this._gap(JSON.parse(data));
    else if (event.endsWith(';base64')) this._message(id, named(event.slice(0, -7)), fromBase64(data));
    else this._message(id, named(event), data);
  }

  #refused(answer) {
    const { status } = answer;
    const reason = `the server answers ${status}`;
    this.#abort.abort();
    if (isPassing(status)) return this._lost(reason, { cause: 'server', least: retryAfter(answer) });
    return this._end(reason, status);
  }

  #endAfter(millis, abort, why) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => abort.abort(why), millis);
  }

  _release() {
    this.#abort?.abort();
  }
}

/** Takes an event stream apart by the rules of the WHATWG standard. */
export class EventStream {
  #rest = '';
  #endedInCr = false;
  #id = '';
  #event = '';
  #data = null;
  #retry = null;

  /** The blocks that `text` completes: `data` is `null` in one that dispatches nothing. */
  *blocks(text) {
    // An LF behind the CR that ended the last line belongs to it.
    const fresh = this.#endedInCr && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') this.#endedInCr = text.endsWith('\r');
    const lines = (this.#rest + fresh).split(/\r\n|\r|\n/);
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line !== '') this.#field(line);
      else yield this.#block();
    }
  }

  #field(line) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (name === 'data') this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.#retry = Math.min(Number(value), MAX_DELAY);
  }

  #block() {
    const block = { retry: this.#retry, id: this.#id, event: this.#event || 'message', data: this.#data };
    this.#event = '';
    this.#data = null;
    this.#retry = null;
    return block;
  }
}

/**
 * Publishes by POST: a string as text, a Uint8Array or an ArrayBuffer as binary.
 * Under the same `key` a message is in the channel once, however often it is sent.
 * @returns {Promise<string>} the position of the message
 */
export async function publish(url, data, { event, key = randomKey(), headers = {} } = {}) {
  const target = absolute(url);
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

export function absolute(url) {
  return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
}

/** A status that tells of the moment, not of the request. */
export function isPassing(status) {
  return status === 408 || status === 429 || status >= 500;
}

/** Milliseconds. */
function retryAfter(answer) {
  return (Number(answer.headers.get('Retry-After')) || 0) * 1000;
}

function pageOf(text) {
  try {
    const page = JSON.parse(text);
    return typeof page.position === 'string' ? page : null;
  } catch {
    return null;
  }
}

export function payload(message) {
  return message.data_base64 === undefined ? message.data : fromBase64(message.data_base64);
}

/** The name of an event; unnamed ones arrive as `message`. */
function named(event) {
  return event === 'message' ? null : event;
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.codePointAt(0));
}

/** 128 random bits. `crypto.randomUUID` is missing where a page is served without TLS. */
export function randomKey() {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
