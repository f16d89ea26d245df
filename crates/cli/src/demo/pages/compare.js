// One channel, read by all four transports at once, and what each of them costs.

import { Card } from './card.js';
import { measure } from './clock.js';
import { count, el, set } from './dom.js';
import { millis } from './latency.js';
import { channelUrl } from './source.js';
import { TRANSPORTS } from './words.js';

const CHANNEL = 'demo-four-ways';
const INFO_EVERY = 1000;
const CLOCK_EVERY = 20_000;
const FIRST_INTERVAL = 2000;

export class Compare {
  #cards;
  #clock = { offset: null, error: null };
  #last = el('b', { 'data-figure': 'last' }, '–');
  #offset = el('b', { 'data-figure': 'offset' }, 'measuring…');
  /** Which resume is in force; 0 while paused. */
  #live = 0;
  #turns = 0;
  #timers = [];
  element;

  constructor(cutSeconds) {
    this.#cards = TRANSPORTS.map((transport) => new Card(transport, CHANNEL, this.#clock, cutSeconds));
    this.element = el(
      'div',
      { class: 'compare' },
      el(
        'div',
        { class: 'toolbar' },
        el('p', {}, 'Read by all four: message ', this.#last),
        this.#slider(),
        el('p', {}, 'Server clock ', this.#offset),
      ),
      el('div', { class: 'cards' }, ...this.#cards.map(({ element }) => element)),
    );
  }

  #slider() {
    const shown = el('output', { for: 'interval' });
    const input = el('input', {
      id: 'interval',
      type: 'range',
      min: '250',
      max: '5000',
      step: '250',
      value: String(FIRST_INTERVAL),
    });
    const [short] = this.#cards;
    const apply = () => {
      short.source.interval = Number(input.value);
      short.restart();
      set(shown, `${(Number(input.value) / 1000).toFixed(2)} s`);
    };
    input.addEventListener('input', apply);
    apply();
    return el('label', { class: 'slider' }, el('span', {}, 'Short poll every'), input, shown);
  }

  async resume() {
    this.#turns += 1;
    const turn = this.#turns;
    this.#live = turn;
    // All start behind the same message, so that their books can be compared.
    try {
      await this.#measure();
      const start = await fetch(channelUrl(CHANNEL), { method: 'HEAD', cache: 'no-store' });
      const position = start.headers.get('ETag')?.replaceAll('"', '');
      for (const { source } of this.#cards) source.startAfter(position);
    } catch {
      // The readers say themselves that the server is away.
    }
    if (this.#live !== turn) return;
    for (const { source } of this.#cards) source.resume();
    this.#timers = [
      setInterval(() => this.#info(), INFO_EVERY),
      setInterval(() => this.#measure().catch(() => {}), CLOCK_EVERY),
    ];
  }

  pause() {
    this.#live = 0;
    for (const timer of this.#timers) clearInterval(timer);
    for (const { source } of this.#cards) source.pause();
  }

  async #measure() {
    Object.assign(this.#clock, await measure());
    const { offset, error } = this.#clock;
    const sign = offset < 0 ? '−' : '+';
    set(this.#offset, `${sign}${millis(Math.abs(offset))} (± ${millis(error)})`);
  }

  async #info() {
    try {
      const answer = await fetch(`${channelUrl(CHANNEL)}/info`, { cache: 'no-store' });
      const info = await answer.json();
      if (this.#live > 0) for (const card of this.#cards) card.info(info);
    } catch {
      // The next one comes in a second.
    }
  }

  tick() {
    const last = Math.max(0, ...this.#cards.map((card) => card.last ?? 0));
    set(this.#last, last === 0 ? '–' : count(last));
    for (const card of this.#cards) card.tick();
  }

  draw() {
    for (const card of this.#cards) card.draw();
  }
}
