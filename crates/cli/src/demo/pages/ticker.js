// Prices, each with its change since the market opened and a line of the last ones.

import { el, flash, set } from './dom.js';
import { fields } from './fields.js';

const ROWS = 6;
const POINTS = 40;
const SVG = 'http://www.w3.org/2000/svg';

export class Ticker {
  #rows = new Map();
  #body = el('ul', { class: 'ticker' });
  #note = el('p', { class: 'note' });
  element = el('div', {}, this.#body, this.#note);

  constructor() {
    for (let index = 0; index < ROWS; index += 1) this.#body.append(el('li', { class: 'empty' }, '–'));
  }

  message({ data }) {
    const tick = fields(data, ['symbol', 'name', 'price', 'open']);
    if (tick === null) {
      set(this.#note, String(data));
      return;
    }
    const { symbol, name, price, open } = tick;
    const row = this.#rows.get(symbol) ?? this.#add(symbol, name);
    const change = (price / open - 1) * 100;
    const before = row.prices.at(-1);
    row.prices.push(price);
    if (row.prices.length > POINTS) row.prices.shift();
    set(row.price, price.toFixed(2));
    set(row.change, `${change <= -0.005 ? '−' : '+'}${Math.abs(change).toFixed(2)} %`);
    row.element.dataset.trend = change <= -0.005 ? 'down' : 'up';
    row.line.setAttribute('points', points(row.prices));
    if (before !== undefined && before !== price) flash(row.element, price > before ? 'up' : 'down');
  }

  #add(symbol, name) {
    const price = el('b', { class: 'price' });
    const change = el('span', { class: 'change' });
    const line = document.createElementNS(SVG, 'polyline');
    const chart = document.createElementNS(SVG, 'svg');
    chart.setAttribute('viewBox', '0 0 100 24');
    chart.setAttribute('preserveAspectRatio', 'none');
    chart.setAttribute('aria-hidden', 'true');
    chart.append(line);
    const element = el(
      'li',
      {},
      el('span', { class: 'share' }, el('b', {}, symbol), el('span', {}, name)),
      chart,
      price,
      change,
    );
    const row = { element, price, change, line, prices: [] };
    this.#rows.set(symbol, row);
    const place = this.#body.querySelector('.empty');
    if (place) place.replaceWith(element);
    else this.#body.append(element);
    return row;
  }
}

function points(prices) {
  const low = Math.min(...prices);
  const span = Math.max(...prices) - low || 1;
  const step = 100 / Math.max(prices.length - 1, 1);
  return prices
    .map((price, index) => `${(index * step).toFixed(1)},${(22 - ((price - low) / span) * 20).toFixed(1)}`)
    .join(' ');
}
