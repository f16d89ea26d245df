/** The reader by WebSocket, which carries further channels over its one connection. `tidings.js` hands it out. */

import { FIRST_DELAY, Reader, Source, payload, randomKey } from './tidings-readers.js';

/** A page does not see the pings of a WebSocket. After so much silence it asks, and awaits the answer. */
const ASK_AFTER = 30_000;
const MIN_ASK_AFTER = 1000;
const ASK_TIMEOUT = 10_000;
const MAX_PENDING = 100;
/** Channels that the server allows on one WebSocket, that of its URL included. */
export const MAX_SHARED = 100;

/** WebSocket: an upgraded connection, both ways, in the subprotocol `tidings.v1`. It carries further channels too. */
export class WebSocketReader extends Reader {
  #socket = null;
  #pending = new Map();
  #others = new Map();
  #lastRef = 0;
  #timer = 0;
  #heardAt = 0;
  #isAsking = false;
  #askAfter = ASK_AFTER;
  /** How long nothing was heard when the connection was last cut. */
  #silentBefore = 0;

  /**
   * Publishes a string to the channel of the URL. What was sent and not answered when the connection was lost
   * is sent again under its key, so that it is in the channel once.
   * @returns {Promise<string>} the position of the message
   */
  publish(data, { event, key = randomKey() } = {}) {
    if (this.isClosed) return Promise.reject(new Error('the reader is closed'));
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(new Error(`${MAX_PENDING} messages wait to be sent`));
    }
    const ref = this._nextRef();
    const frame = JSON.stringify({ publish: data, event, key, ref });
    return new Promise((resolve, reject) => {
      this.#pending.set(ref, { frame, resolve, reject });
      if (this.state === 'open') this.#socket.send(frame);
    });
  }

  /** Reads one more channel over this connection: a source with the events and properties of a reader. */
  subscribe(name, options = {}) {
    if (this.#others.has(name)) throw new Error(`${name} is subscribed already`);
    const branch = new Branch(this, name, options);
    this.#others.set(name, branch);
    if (this.state === 'open') branch._subscribe();
    return branch;
  }

  /** Channels on this connection, that of the URL included. */
  get channels() {
    return 1 + this.#others.size;
  }

  _nextRef() {
    this.#lastRef += 1;
    return this.#lastRef;
  }

  _send(command) {
    if (this.state === 'open') this.#socket.send(JSON.stringify(command));
  }

  _drop(branch) {
    if (this.#others.get(branch.name) !== branch) return;
    this.#others.delete(branch.name);
    this._send({ unsubscribe: branch.name });
  }

  _connect() {
    const url = this._startUrl();
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.requests += 1;
    const socket = new WebSocket(url, ['tidings.v1']);
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket && !this.isClosed;
    socket.addEventListener('message', ({ data }) => isCurrent() && this.#take(JSON.parse(data)));
    socket.addEventListener('close', ({ code, reason }) => isCurrent() && this.#closed(code, reason));
    this.#leaveAfter(this.patience, 'the WebSocket did not open in time');
  }

  #take(envelope) {
    this.#heardAt = performance.now();
    if (this.#isAsking) this.#askWhenSilent();
    if (envelope.channel !== undefined) {
      this.#others.get(envelope.channel)?._take(envelope);
    } else if (envelope.ack !== undefined) {
      this.#settle(envelope.ack, ({ resolve }) => resolve(envelope.id));
    } else if (envelope.id !== undefined) {
      this._message(envelope.id, envelope.event ?? null, payload(envelope));
    } else if (envelope.position !== undefined) {
      this.#begin(envelope.position);
    } else if (envelope.gap !== undefined) {
      this._gap(envelope.gap);
    } else if (envelope.error !== undefined) {
      this.#refused(envelope.error, envelope.ref);
    }
  }

  #begin(position) {
    this._opened(position);
    for (const { frame } of this.#pending.values()) this.#socket.send(frame);
    for (const branch of this.#others.values()) branch._subscribe();
    this.#askWhenSilent();
  }

  #refused({ code, message }, ref) {
    for (const branch of this.#others.values()) {
      if (branch.ref === ref) {
        branch._refused(code, message);
        return;
      }
    }
    this.#settle(ref, ({ reject }) => reject(new Error(message)));
  }

  #settle(ref, action) {
    const waiting = this.#pending.get(ref);
    this.#pending.delete(ref);
    if (waiting) action(waiting);
  }

  /** Any frame is answered. To leave what has no name is an error, which is answer enough. */
  #askWhenSilent() {
    const silent = performance.now() - this.#heardAt;
    this.#isAsking = silent >= this.#askAfter;
    if (this.#isAsking) {
      this._send({ unsubscribe: '' });
      this.#leaveAfter(ASK_TIMEOUT, 'the server was silent for too long');
    } else {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#askWhenSilent(), this.#askAfter - silent + 1);
    }
  }

  #leaveAfter(millis, reason) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#leave(reason), millis);
  }

  #leave(reason) {
    const socket = this.#socket;
    this.#socket = null;
    socket.close();
    this._lost(reason);
  }

  #closed(code, reason) {
    if (code === 1006 && this.state === 'open') this.#wasCut(performance.now() - this.#heardAt);
    const refused = [1003, 1007, 1008, 1009].includes(code);
    const hadPending = this.#pending.size > 0;
    // What was refused once would be refused again.
    if (refused) this.#rejectAll(reason || `the server closed with ${code}`);
    if (refused && !hadPending) this._end(reason || `the server closed with ${code}`);
    else if (code === 4010) this._lost('the channel was deleted', { cause: 'server' });
    else if (code === 1012) this._lost('the server restarts', { cause: 'server' });
    else if (code >= 4000 || refused) this._lost(reason || `the server closed with ${code}`, { cause: 'server' });
    else this._lost(this.state === 'open' ? 'the connection was lost' : 'the WebSocket did not open');
  }

  /** Twice after the same silence: something between cuts what is silent for so long. Ask before that. */
  #wasCut(silent) {
    const isSame = Math.abs(silent - this.#silentBefore) < silent / 5;
    if (isSame && silent > MIN_ASK_AFTER) this.#askAfter = Math.max(MIN_ASK_AFTER, silent * 0.6);
    this.#silentBefore = silent;
  }

  _waiting(fault) {
    clearTimeout(this.#timer);
    super._waiting(fault);
    for (const branch of this.#others.values()) branch._waiting(fault);
  }

  #rejectAll(why) {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new Error(why));
  }

  _release(reason) {
    clearTimeout(this.#timer);
    this.#rejectAll(reason);
    this.#socket?.close();
    for (const branch of [...this.#others.values()]) branch._end(reason);
  }
}

/** A further channel on the connection of a `WebSocketReader`. */
class Branch extends Source {
  #reader;
  #timer = 0;
  #isSubscribed = false;
  ref = null;

  constructor(reader, name, options) {
    super(options);
    this.#reader = reader;
    this.name = name;
  }

  /** It ended because the connection did. */
  get isOrphan() {
    return this.#reader.isClosed;
  }

  _subscribe() {
    clearTimeout(this.#timer);
    this.ref = this.#reader._nextRef();
    this.#isSubscribed = false;
    this.#reader._send({ subscribe: this.name, ...this._start(), ref: this.ref });
  }

  _take(envelope) {
    if (envelope.position !== undefined && envelope.ref === this.ref) {
      this.#isSubscribed = true;
      this._opened(envelope.position);
    } else if (!this.#isSubscribed) {
      // Of a subscription to the same channel that was left a moment ago.
    } else if (envelope.id !== undefined) {
      this._message(envelope.id, envelope.event ?? null, payload(envelope));
    } else if (envelope.gap !== undefined) {
      this._gap(envelope.gap);
    } else if (envelope.deleted) {
      this.#deleted();
    }
  }

  /** It comes back under a new epoch: who subscribes again is told the gap. */
  #deleted() {
    const delay = FIRST_DELAY * (0.5 + Math.random() / 2);
    this.#isSubscribed = false;
    this.#timer = setTimeout(() => this._subscribe(), delay);
    this._waiting({ reason: 'the channel was deleted', delay, cause: 'server', lived: 0 });
  }

  _refused(code, message) {
    this._end(`${code}: ${message}`);
  }

  _release() {
    clearTimeout(this.#timer);
    this.#reader._drop(this);
  }
}
