// Notifications, the latest on top.

import { el, flash } from './dom.js';
import { fields } from './fields.js';

const SHOWN = 5;
const MARKS = { build: '✓', alert: '!', mention: '@', review: '◇', parcel: '▣' };

export class Notifications {
  #list = el('ol', { class: 'notices' });
  #none = el('li', { class: 'none' }, 'no message yet: one comes every few seconds');
  element = this.#list;

  constructor() {
    this.#list.append(this.#none);
  }

  message({ data }) {
    const { kind = 'note', title, text = '', t = Date.now() } = fields(data, ['title']) ?? { title: String(data) };
    const time = new Date(t).toLocaleTimeString('en-GB');
    const item = el(
      'li',
      { 'data-kind': kind },
      el('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[kind] ?? '•'),
      el('span', { class: 'what' }, el('b', {}, title), el('span', {}, text)),
      el('time', {}, time),
    );
    this.#none.remove();
    this.#list.prepend(item);
    flash(item);
    while (this.#list.children.length > SHOWN) this.#list.lastElementChild.remove();
  }
}
