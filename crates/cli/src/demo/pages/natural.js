// Four transports, each in the use that suits it: a dashboard, notifications, a chat, a ticker.

import { Audit } from './audit.js';
import { Chat } from './chat.js';
import { Dashboard } from './dashboard.js';
import { count, el, set } from './dom.js';
import { Link } from './link.js';
import { Notifications } from './notifications.js';
import { Source } from './source.js';
import { Ticker } from './ticker.js';
import { TRANSPORTS } from './words.js';

const USES = {
  'short-poll': {
    title: 'Scores',
    channel: 'demo-scores',
    back: '-1',
    interval: 1000,
    make: () => new Dashboard(),
  },
  'long-poll': {
    title: 'Notifications',
    channel: 'demo-notifications',
    back: '-6',
    make: () => new Notifications(),
  },
  websocket: { title: 'Chat', channel: 'demo-chat', back: '-50', make: (source) => new Chat(source) },
  sse: { title: 'Prices', channel: 'demo-prices', back: '-60', make: () => new Ticker() },
};

export class Natural {
  #panels;
  element;

  constructor(cutSeconds) {
    this.#panels = TRANSPORTS.map((transport) => new Panel(transport, cutSeconds));
    this.element = el('div', { class: 'panels' }, ...this.#panels.map((panel) => panel.element));
  }

  resume() {
    for (const panel of this.#panels) panel.source.resume();
  }

  pause() {
    for (const panel of this.#panels) panel.source.pause();
  }

  tick() {
    for (const panel of this.#panels) panel.tick();
  }
}

class Panel {
  #audit = new Audit();
  #link;
  #use;
  #figures = new Map();

  constructor(transport, cutSeconds) {
    const { title, channel, back, interval, make } = USES[transport.id];
    this.source = new Source(transport.id, channel, { from: back, interval });
    // The books are kept before the strip reads them.
    this.source.listen({
      open: ({ position }) => this.#audit.open(position),
      message: ({ position }) => this.#audit.message(position),
      gap: ({ gap }) => this.#audit.gap(gap),
    });
    this.#use = make(this.source);
    this.#link = new Link(this.source, this.#audit, cutSeconds);
    this.source.listen({ message: (message) => this.#use.message(message) });
    this.element = el(
      'section',
      { class: 'panel', 'data-transport': transport.id, 'aria-labelledby': `use-${transport.id}` },
      el(
        'header',
        {},
        el('h2', { id: `use-${transport.id}` }, title),
        el('span', { class: 'badge' }, transport.name),
        el('p', { class: 'flow' }, transport.flow),
      ),
      el('div', { class: 'use' }, this.#use.element),
      el('footer', {}, ...this.#link.elements, this.#strip()),
    );
  }

  #strip() {
    const list = el('dl', { class: 'figures' });
    for (const [key, name] of [
      ['received', 'received'],
      ['requests', 'requests'],
      ['empty', 'empty answers'],
      ['lost', 'lost'],
    ]) {
      const value = el('dd', { 'data-figure': key }, '0');
      this.#figures.set(key, value);
      list.append(el('div', {}, el('dt', {}, name), value));
    }
    return list;
  }

  tick() {
    const { received, lostWords } = this.#audit;
    set(this.#figures.get('received'), count(received));
    set(this.#figures.get('requests'), count(this.source.requests));
    set(this.#figures.get('empty'), count(this.source.empty));
    set(this.#figures.get('lost'), lostWords);
    this.#link.tick();
    this.#use.tick?.();
  }
}
