// A channel read by one transport, which can be let go and taken up again at its position.

import { LongPollReader, ShortPollReader, SseReader, WebSocketReader } from '/tidings.js';

const READERS = {
  'short-poll': ShortPollReader,
  'long-poll': LongPollReader,
  websocket: WebSocketReader,
  sse: SseReader,
};
const EVENTS = ['open', 'message', 'gap', 'answer', 'reconnect', 'close'];

export function channelUrl(channel) {
  return `/channels/${encodeURIComponent(channel)}`;
}

export class Source {
  #transport;
  #channel;
  #options;
  #listeners = [];
  #reader = null;
  #before = { requests: 0, empty: 0 };

  constructor(transport, channel, options = {}) {
    this.#transport = transport;
    this.#channel = channel;
    this.#options = options;
  }

  /** Hears the details of every event of the readers, and `pause` and `resume`: an object of functions by type. */
  listen(handlers) {
    this.#listeners.push(handlers);
  }

  get transport() {
    return this.#transport;
  }

  get position() {
    return this.#options.after ?? null;
  }

  get state() {
    return this.#reader?.state ?? 'paused';
  }

  get requests() {
    return this.#before.requests + (this.#reader?.requests ?? 0);
  }

  get empty() {
    return this.#before.empty + (this.#reader?.empty ?? 0);
  }

  set interval(millis) {
    this.#options.interval = millis;
    if (this.#reader) this.#reader.interval = millis;
  }

  /** Starts where nothing was read yet. */
  startAfter(position) {
    this.#options.after ??= position;
  }

  publish(data) {
    return this.#reader?.publish(data) ?? Promise.reject(new Error('not connected'));
  }

  resume() {
    if (this.#reader) return;
    const reader = new READERS[this.#transport](channelUrl(this.#channel), this.#options);
    this.#reader = reader;
    for (const type of EVENTS) {
      reader.addEventListener(type, (event) => {
        if (this.#reader !== reader) return;
        this.#options.after = reader.position ?? undefined;
        this.#hand(type, event.detail);
      });
    }
    this.#hand('resume', {});
  }

  pause() {
    const reader = this.#reader;
    if (!reader) return;
    this.#options.after = reader.position ?? this.#options.after;
    this.#before.requests += reader.requests;
    this.#before.empty += reader.empty;
    this.#reader = null;
    reader.close();
    this.#hand('pause', {});
  }

  #hand(type, event) {
    for (const handlers of this.#listeners) handlers[type]?.(event);
  }
}
