// One transport: its connection, opened and closed by the page, and what passed over it, a line a piece.

import { LongPollReader, ShortPollReader, SseReader, WebSocketReader } from '/tidings.js';
import { count, el, set } from '/demo/dom.js';
import { roving } from './roving.js';

const READERS = {
  'short-poll': ShortPollReader,
  'long-poll': LongPollReader,
  websocket: WebSocketReader,
  sse: SseReader,
};
const INTERVAL = 3000;
const MAX_LINES = 200;
const ARROWS = { client: ['→', 'to the server'], server: ['←', 'to the client'] };

export class Lane extends EventTarget {
  #reader = null;
  #url;
  #state = el('span', { class: 'lane-state' }, 'nothing yet');
  #button = null;
  #list;
  #place;
  #lines = new Map();
  #connection = null;
  #octets = 0;

  constructor({ id, name, flow }, accesskey, url) {
    super();
    this.id = id;
    this.name = name;
    this.#url = url;
    this.#list = el('ol', { class: 'timeline', 'aria-label': `${name}: what passed` });
    const parts = [el('h2', {}, name), this.#state];
    if (READERS[id]) {
      this.#button = el('button', { type: 'button', class: 'tool', accesskey, 'aria-label': `Open ${name}` }, 'Open');
      this.#button.addEventListener('click', () => (this.#reader ? this.close() : this.open()));
      parts.push(this.#button);
      set(this.#state, 'not open');
    }
    this.element = el(
      'section',
      { class: 'lane', 'data-transport': id, 'data-state': 'closed', 'aria-label': name },
      el('header', {}, ...parts),
      el('p', { class: 'flow' }, flow),
      this.#list,
    );
    this.#place = roving(this.#list, 'button', (line) => this.#choose(line.dataset.key));
    this.#list.addEventListener('click', (event) => {
      const line = event.target.closest('button');
      if (line) this.#choose(line.dataset.key);
    });
  }

  get isOpen() {
    return this.#reader !== null;
  }

  get keys() {
    return [...this.#lines.keys()];
  }

  open() {
    if (this.#reader || !READERS[this.id]) return;
    this.dispatchEvent(new Event('open'));
    const reader = new READERS[this.id](this.#url(), { interval: INTERVAL });
    this.#reader = reader;
    const say = (state, words) => {
      if (this.#reader === reader) this.#say(state, words);
    };
    reader.addEventListener('open', () => say('open', 'open'));
    reader.addEventListener('answer', () => say('open', 'open'));
    reader.addEventListener('reconnect', ({ detail }) => say('waiting', `${detail.reason}: comes back`));
    reader.addEventListener('close', ({ detail }) => say('closed', detail.reason));
    this.#say('connecting', 'connecting…');
    this.#name('Close');
  }

  close() {
    const reader = this.#reader;
    this.#reader = null;
    reader?.close();
    this.#say('closed', 'not open');
    if (this.#button) this.#name('Open');
    this.dispatchEvent(new Event('state'));
  }

  publish(data) {
    return this.#reader.publish(data);
  }

  #name(word) {
    set(this.#button, word);
    this.#button.setAttribute('aria-label', `${word} ${this.name}`);
  }

  #say(state, words) {
    this.element.dataset.state = state;
    set(this.#state, words);
    this.dispatchEvent(new Event('state'));
  }

  /** Adds a line. */
  add(piece) {
    const { exchange } = piece;
    const isAtEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 8;
    this.#connection = exchange.connection;
    const [arrow, direction] = ARROWS[piece.from];
    const line = el(
      'button',
      { type: 'button', class: 'line', 'data-key': piece.key, 'data-from': piece.from, tabindex: '-1' },
      el('span', { class: 'time' }, (piece.ms / 1000).toFixed(2)),
      el('span', { class: 'arrow', 'aria-hidden': 'true' }, arrow),
      el('span', { class: 'unseen' }, `${direction}: `),
      el('span', { class: 'words' }, piece.title),
      el('span', { class: 'connection', title: `connection ${exchange.connection}` }, `#${exchange.connection}`),
      el('span', { class: 'len' }, count(piece.len)),
    );
    this.#lines.set(piece.key, line);
    this.#list.append(el('li', {}, line));
    while (this.#lines.size > MAX_LINES) this.#forget();
    this.#octets += piece.len;
    if (!this.#button) set(this.#state, `${count(this.#octets)} octets`);
    this.#place();
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** Says that a connection ended. */
  ended({ connection }) {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#list.append(el('li', { class: 'divider' }, `connection ${connection} closed`));
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #forget() {
    const [key, line] = this.#lines.entries().next().value;
    this.#lines.delete(key);
    line.parentElement.remove();
    while (this.#list.firstChild?.nextSibling?.matches('.divider')) this.#list.firstChild.remove();
  }

  /** Shows which line is chosen. */
  mark(key) {
    for (const [other, line] of this.#lines) {
      if (other === key) line.setAttribute('aria-current', 'true');
      else line.removeAttribute('aria-current');
    }
    const line = this.#lines.get(key);
    this.element.toggleAttribute('data-current', line !== undefined);
    if (!line) return;
    this.#place(line);
    // Not `scrollIntoView`, which moves the page too.
    const { offsetTop, offsetHeight } = line;
    const { scrollTop, clientHeight } = this.#list;
    if (offsetTop < scrollTop) this.#list.scrollTop = offsetTop;
    else if (offsetTop + offsetHeight > scrollTop + clientHeight) this.#list.scrollTop = offsetTop + offsetHeight - clientHeight;
  }

  clear() {
    this.#lines.clear();
    this.#connection = null;
    this.#octets = 0;
    this.#list.replaceChildren();
    this.element.removeAttribute('data-current');
  }

  #choose(key) {
    this.dispatchEvent(new CustomEvent('choose', { detail: { key } }));
  }
}
