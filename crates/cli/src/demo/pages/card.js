// One transport of the comparison: its words, and beside them what was measured.

import { Audit } from './audit.js';
import { now } from './clock.js';
import { count, el, set } from './dom.js';
import { fields } from './fields.js';
import { Latency, millis } from './latency.js';
import { Link } from './link.js';
import { Plot } from './plot.js';
import { Source } from './source.js';

export class Card {
  #audit = new Audit();
  #latency = new Latency();
  #link;
  #plot;
  #values = new Map();
  #since = 0;
  /** What the server had counted when this view was opened. */
  #baseline = null;

  constructor(transport, channel, clock, cutSeconds) {
    this.transport = transport;
    this.source = new Source(transport.id, channel, { from: 'latest' });
    this.#plot = new Plot(`${transport.name}: latency of each message and its requests`);
    this.source.listen({
      resume: () => {
        this.#since = now();
      },
      open: ({ position }) => {
        this.#audit.open(position);
        // A poll is drawn by its answer, with what it held.
        if (!transport.id.endsWith('poll')) this.#plot.request(false);
      },
      message: (message) => this.#message(message, clock),
      gap: ({ gap }) => this.#audit.gap(gap),
      answer: (answer) => this.#plot.request(answer.count === 0),
    });
    this.#link = new Link(this.source, this.#audit, cutSeconds);
    this.element = this.#build();
  }

  #message({ position, data }, clock) {
    this.#audit.message(position);
    const message = fields(data, ['n', 't']);
    // Something else that was published on the channel counts, but does not tell its time.
    if (message === null || clock.offset === null) return;
    this.last = message.n;
    const latency = now() + clock.offset - message.t;
    // What was published while the view was not seen is late by our own choice.
    if (message.t < this.#since + clock.offset) return;
    this.#latency.add(latency);
    this.#plot.message(latency);
  }

  #build() {
    const { id, name, flow, direction, latency, overhead, trouble, best, payload, protocol } = this.transport;
    const words = (title, text) => el('div', {}, el('dt', {}, title), el('dd', {}, text));
    return el(
      'section',
      { class: 'card', 'data-transport': id, 'aria-labelledby': `way-${id}` },
      el(
        'header',
        {},
        el('h2', { id: `way-${id}` }, name),
        el('p', { class: 'flow' }, flow),
      ),
      el('div', { class: 'card-link' }, ...this.#link.elements),
      this.#measure('Latency', latency, [
        ['median', 'median'],
        ['p99', 'p99'],
      ]),
      this.#plot.element,
      this.#measure('Asking', `direction: ${direction}`, [
        ['requests', 'requests'],
        ['empty', 'empty answers'],
      ]),
      this.#measure('Overhead', overhead, [['octets', 'octets a message']]),
      this.#measure('Held', trouble, [['held', 'connections held']]),
      this.#measure('Delivered', 'every offset accounted for', [
        ['received', 'received'],
        ['lost', 'lost'],
      ]),
      el(
        'dl',
        { class: 'words' },
        words('Best for', best),
        words('Payload', payload),
        words('Protocol', protocol),
      ),
    );
  }

  #measure(title, words, figures) {
    const list = el('dl', { class: 'figures' });
    for (const [key, name] of figures) {
      const value = el('dd', { 'data-figure': key }, '–');
      this.#values.set(key, value);
      list.append(el('div', {}, el('dt', {}, name), value));
    }
    const half = title === 'Latency' ? '' : ' half';
    return el('div', { class: `measure${half}` }, el('h3', {}, title), list, el('p', {}, words));
  }

  /** Measures anew, where what is measured was changed. */
  restart() {
    this.#latency = new Latency();
    this.#baseline = null;
  }

  /** Takes what the server counted. */
  info({ wire, subscribers }) {
    const { wire: name, id } = this.transport;
    const counted = wire?.[name];
    if (!counted) return;
    this.#baseline ??= counted;
    const messages = counted.messages - this.#baseline.messages;
    const octets =
      counted.octets_in + counted.octets_out - this.#baseline.octets_in - this.#baseline.octets_out;
    set(this.#values.get('octets'), messages > 0 ? count(Math.round(octets / messages)) : '–');
    // In short polling `subscribers` counts polls: nothing is held between them.
    set(this.#values.get('held'), id === 'short-poll' ? '0' : count(subscribers[name] ?? 0));
  }

  tick() {
    const { received, lostWords } = this.#audit;
    const value = (key, text) => set(this.#values.get(key), text);
    value('median', millis(this.#latency.quantile(0.5)));
    value('p99', millis(this.#latency.quantile(0.99)));
    value('requests', count(this.source.requests));
    value('empty', count(this.source.empty));
    value('received', count(received));
    value('lost', lostWords);
    this.#link.tick();
  }

  draw() {
    this.#plot.draw();
  }
}
