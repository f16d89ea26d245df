// What the server tells of a trace: exchanges, each with its octets, fields and pieces in the order of time.

const RETRY = 1500;
/** Exchanges that the page keeps; the server forgets sooner. */
const MAX_EXCHANGES = 400;

/** Begins a trace: `null` where the server takes no more. */
export async function beginTrace() {
  const answer = await fetch('/wire/traces', { method: 'POST', cache: 'no-store' });
  return answer.ok ? (await answer.json()).trace : null;
}

/** One trace, followed. Tells `piece`, `exchange` (of one that changed), `missed`, `state` and `lost`. */
export class Trace extends EventTarget {
  #socket = null;
  #exchanges = new Map();
  #waiting = [];
  #isPaused = false;
  #timer = 0;

  constructor(name) {
    super();
    this.name = name;
  }

  exchange(number) {
    return this.#exchanges.get(number) ?? null;
  }

  /** Pieces that passed while the view is paused. */
  get waiting() {
    return this.#waiting.reduce((sum, { exchanges }) => sum + exchanges.reduce((all, { pieces }) => all + pieces.length, 0), 0);
  }

  get isPaused() {
    return this.#isPaused;
  }

  set isPaused(isPaused) {
    this.#isPaused = isPaused;
    if (!isPaused) for (const news of this.#waiting.splice(0)) this.#take(news);
  }

  /** Follows what passes; a trace by a link may be forgotten, so it is asked for first. */
  async follow(isDoubtful = false) {
    if (isDoubtful && (await this.#isLost())) return;
    const url = new URL(`/wire/traces/${this.name}`, window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener('open', () => this.#tell('state', { isOpen: true }));
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(data)));
    socket.addEventListener('close', () => this.#socket === socket && this.#closed());
  }

  leave() {
    const socket = this.#socket;
    this.#socket = null;
    clearTimeout(this.#timer);
    socket?.close();
  }

  async #closed() {
    this.#tell('state', { isOpen: false });
    if (!(await this.#isLost())) this.#timer = setTimeout(() => this.follow(), RETRY);
  }

  /** Whether the server no longer keeps the trace. */
  async #isLost() {
    try {
      const answer = await fetch(`/wire/traces/${this.name}`, { method: 'HEAD', cache: 'no-store' });
      if (answer.status !== 404) return false;
    } catch {
      // The server is away: what it still keeps is seen when it is back.
      return false;
    }
    this.leave();
    this.#tell('lost', {});
    return true;
  }

  #hear(news) {
    if (this.#isPaused) {
      this.#waiting.push(news);
      this.#tell('waiting', {});
    } else {
      this.#take(news);
    }
  }

  #take({ exchanges, missed }) {
    const found = [];
    for (const news of exchanges) {
      const exchange = this.#exchanges.get(news.exchange) ?? this.#begun(news);
      this.#exchanges.set(news.exchange, exchange);
      const wasClosed = exchange.closed;
      exchange.closed = news.closed;
      exchange.dropped = news.dropped;
      for (const from of ['client', 'server']) grow(exchange[from], news[from]);
      // A feed that was lost begins again with all.
      const known = exchange.pieces.length;
      exchange.pieces.splice(news.pieces_from, Infinity, ...news.pieces);
      exchange.pieces.forEach((piece, index) => {
        piece.key = `${exchange.number}.${index}`;
        piece.exchange = exchange;
        if (index >= known) found.push(piece);
      });
      this.#tell('exchange', { exchange, isEnd: exchange.closed && !wasClosed });
    }
    found.sort((a, b) => a.ms - b.ms);
    for (const piece of found) this.#tell('piece', { piece });
    for (const { number, closed } of exchanges.map((news) => this.#exchanges.get(news.exchange))) {
      if (closed) this.#tell('closed', { exchange: this.#exchanges.get(number) });
    }
    if (missed > 0) this.#tell('missed', { missed });
    while (this.#exchanges.size > MAX_EXCHANGES) this.#exchanges.delete(this.#exchanges.keys().next().value);
  }

  #begun({ exchange, connection, peer, kind }) {
    const side = () => ({ octets: [], hidden: [], spans: [], fault: null, awaits: null });
    return {
      trace: this,
      number: exchange,
      connection,
      peer,
      kind,
      pieces: [],
      client: side(),
      server: side(),
      closed: false,
      dropped: 0,
    };
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function grow(side, news) {
  const octets = news.hex.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [];
  if (news.hex_from === 0) {
    side.octets = [];
    side.hidden = [];
  }
  // Not by one call: it takes no more than some ten thousand arguments.
  for (const octet of octets) side.octets.push(octet);
  side.hidden.push(...news.hidden);
  side.spans.length = news.spans_from;
  for (const span of news.spans) side.spans.push(span);
  side.fault = news.fault;
  side.awaits = news.awaits;
}
