/** The types of tidings.js. */

/** A position in a channel: opaque. Keep it, send it back, compare it for equality. */
export type Position = string;

export type Transport = 'websocket' | 'sse' | 'long-poll' | 'short-poll';

/** `waiting` for the next attempt to connect. */
export type State = 'connecting' | 'open' | 'waiting' | 'closed';

/** Text as it was published; octets where it was published as binary. */
export type Data = string | Uint8Array<ArrayBuffer>;

/** Messages were lost, and which. Delivery goes on behind `next`. */
export interface Gap {
  readonly reason: 'trimmed' | 'epoch' | 'future' | 'unknown';
  /** The position that was asked for, where it could be read. */
  readonly asked: Position | null;
  /** The offsets lost, where they can be known. */
  readonly first: number | null;
  readonly last: number | null;
  readonly next: Position;
}

/** Where to start. With neither, or with `latest`: what is published from `open` on. */
export interface Start {
  /** The position to go on from; everything behind it that is kept follows. */
  after?: Position | null;
  /** Where to start without one: all that is kept, or so many messages back. */
  from?: 'latest' | 'earliest' | `-${number}` | null;
}

export interface PublishOptions {
  /** The event name of the message. */
  event?: string;
  /** Under one key a message is in the channel once, however often it is sent. Default: 128 random bits. */
  key?: string;
}

export interface PostOptions extends PublishOptions {
  /** Further field lines of the request, such as `Authorization`. */
  headers?: Record<string, string>;
}

/** Publishes by POST: a string as text, octets as binary. Gives the position of the message. */
export function publish(
  url: string | URL,
  data: string | ArrayBuffer | Uint8Array<ArrayBuffer>,
  options?: PostOptions,
): Promise<Position>;

/** An EventTarget that has these events only, each with its `detail`. */
declare abstract class TypedTarget<Details> {
  addEventListener<Type extends keyof Details>(
    type: Type,
    listener: (event: CustomEvent<Details[Type]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof Details>(
    type: Type,
    listener: (event: CustomEvent<Details[Type]>) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  dispatchEvent(event: Event): boolean;
}

/** The transports of `Tidings`, the best first. */
export const TRANSPORTS: readonly Transport[];

export interface TidingsOptions {
  /** The transports to choose among, in whatever order. Default: all. */
  transports?: readonly Transport[];
  /** Channels that hold a connection of their own where no WebSocket gets through; further ones poll. Default 4. */
  streams?: number;
  /** Cuts of a young connection, one after the other, before the next transport is taken. Default 3. */
  cuts?: number;
  /** Milliseconds that a connection may take to begin. Default 5000. */
  patience?: number;
  /** Milliseconds until better transports are tried again; doubled each time up to 30 minutes. Default 30000. */
  upgradeAfter?: number;
  /** Milliseconds without a heartbeat after which an event stream is given up. Default 40000. */
  maxSilence?: number;
  /** Short polling: milliseconds from an answer to the next request. Default 2000. */
  interval?: number;
  /** Long polling: seconds that the server may hold a request, at most 55. Default 25. */
  wait?: number;
}

export interface TidingsEvents {
  /** A transport was chosen. `previous` is `null` at the first one; `reason` is for people. */
  transport: {
    readonly transport: Transport;
    readonly previous: Transport | null;
    readonly reason: string;
  };
}

/** Many channels of one server, read by the best transport that gets through. */
export class Tidings extends TypedTarget<TidingsEvents> {
  /** `base` is where `channels/NAME` is below. Default `/`. */
  constructor(base?: string | URL, options?: TidingsOptions);
  readonly transport: Transport;
  readonly isClosed: boolean;
  readonly channels: Channel[];
  /** Reads a channel. One that is read already is the same object; its options stay as they were. */
  channel(name: string, start?: Start): Channel;
  /** Closes every channel and every connection. */
  close(): void;
}

export interface ChannelEvents {
  message: {
    readonly channel: string;
    readonly data: Data;
    /** The event name, `null` where none was given. */
    readonly event: string | null;
    readonly position: Position;
  };
  gap: { readonly channel: string; readonly gap: Gap };
  state: {
    readonly channel: string;
    readonly state: State;
    /** Why it waits or is closed, for people. */
    readonly reason: string | null;
    /** Milliseconds until the next attempt, while it waits. */
    readonly delay: number | null;
  };
  /** The channel is read by this transport. `reason` where it is another than that of the others. */
  transport: {
    readonly channel: string;
    readonly transport: Transport;
    readonly reason: string | null;
  };
  /** The channel cannot be read, and is closed. `status` where the server answered one. */
  error: {
    readonly channel: string;
    readonly reason: string;
    readonly status: number | null;
  };
}

/** One channel of a `Tidings`: `tidings.channel(name)`. */
declare class Channel extends TypedTarget<ChannelEvents> {
  private constructor();
  readonly name: string;
  readonly url: URL;
  /** The last position reached, `null` before the first. */
  readonly position: Position | null;
  readonly state: State;
  readonly isClosed: boolean;
  readonly transport: Transport | null;
  /** Publishes by POST, whatever transport reads. */
  publish(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>, options?: PostOptions): Promise<Position>;
  /** Ends reading. Nothing is handed out afterwards. */
  close(): void;
}
export type { Channel };

export interface ReaderEvents {
  /** Connected, or the first answer of a poll; again after each reconnect. */
  open: { readonly position: Position | null };
  message: { readonly data: Data; readonly event: string | null; readonly position: Position };
  gap: { readonly gap: Gap };
  /** Polls: an answer came, with so many messages. */
  answer: { readonly count: number };
  /** The connection was lost; the next attempt is `delay` milliseconds away. */
  reconnect: {
    readonly reason: string;
    readonly position: Position | null;
    readonly delay: number;
    /**
     * Whose fault it was: `blocked` is something between that changes what is sent, `silent` a stream without
     * its heartbeats.
     */
    readonly cause: 'network' | 'server' | 'blocked' | 'silent';
    /** Milliseconds that it was open, 0 where it never was. */
    readonly lived: number;
  };
  /** The end: after `close()`, or where asking is of no use. */
  close: { readonly reason: string; readonly status: number | null; readonly position: Position | null };
}

/** What the readers have in common. */
declare class Source extends TypedTarget<ReaderEvents> {
  protected constructor();
  /** The last position reached, `null` before the first. */
  readonly position: Position | null;
  readonly state: State;
  readonly isClosed: boolean;
  /** Ends reading. Nothing is handed out afterwards. */
  close(): void;
}

export interface ReaderOptions extends Start {
  /** Milliseconds that a connection may take to begin. Default 5000. */
  patience?: number;
}

declare class Reader extends Source {
  readonly url: URL;
  /** Requests made so far. */
  readonly requests: number;
  /** Answers that held nothing. */
  readonly empty: number;
}
export type { Reader, Source };

/** Short polling: asks every `interval` milliseconds. */
export class ShortPollReader extends Reader {
  constructor(url: string | URL, options?: ReaderOptions & { interval?: number });
  /** May be set at any time. */
  interval: number;
}

/** Long polling: asks, and the server holds the request until there is news. */
export class LongPollReader extends Reader {
  constructor(url: string | URL, options?: ReaderOptions & { wait?: number });
  /** Seconds. Less than was asked for where something between cuts what is silent for so long. */
  readonly wait: number;
}

/** Server-Sent Events: one response that never ends. */
export class SseReader extends Reader {
  constructor(url: string | URL, options?: ReaderOptions & { maxSilence?: number });
}

/** WebSocket: both ways, and further channels over the same connection. */
export class WebSocketReader extends Reader {
  constructor(url: string | URL, options?: ReaderOptions);
  /** Channels on this connection, that of the URL included; the server allows 100. */
  readonly channels: number;
  /** Publishes a string to the channel of the URL. Gives the position of the message. */
  publish(data: string, options?: PublishOptions): Promise<Position>;
  /** Reads one more channel over this connection. */
  subscribe(name: string, start?: Start): Source & { readonly name: string };
}
