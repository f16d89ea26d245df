// A scoreboard: each message is the whole board, so one that comes late replaces all before it.

import { el, flash, set } from './dom.js';
import { fields } from './fields.js';

const ROWS = 4;
/** How long a message that is no board is shown, which the next board would hide. */
const OTHER = 5000;

export class Dashboard {
  #rows;
  #age = el('p', { class: 'note' }, 'no message yet');
  #updated = null;
  #other = null;

  constructor() {
    this.#rows = Array.from({ length: ROWS }, row);
    this.element = el(
      'div',
      { class: 'dashboard' },
      el('ul', { class: 'board' }, ...this.#rows.map(({ element }) => element)),
      this.#age,
    );
  }

  message({ data }) {
    const board = fields(data, ['matches']);
    if (board === null) {
      this.#other = { text: String(data), until: performance.now() + OTHER };
      return;
    }
    for (const [index, match] of board.matches.slice(0, ROWS).entries()) {
      const cells = this.#rows[index];
      const score = match.score.join(' – ');
      const scored = cells.score.textContent !== '–' && cells.score.textContent !== score;
      set(cells.home, match.home);
      set(cells.away, match.away);
      set(cells.when, match.when);
      set(cells.score, score);
      cells.element.dataset.live = String(match.when.endsWith('′'));
      if (scored) flash(cells.element);
    }
    this.#updated = performance.now();
  }

  tick() {
    if (this.#other?.until > performance.now()) {
      set(this.#age, this.#other.text);
      return;
    }
    if (this.#updated === null) return;
    const age = (performance.now() - this.#updated) / 1000;
    set(this.#age, `asked every second · this board is ${age.toFixed(0)} s old`);
  }
}

function row() {
  const home = el('span', { class: 'home' });
  const score = el('b', { class: 'score' }, '–');
  const away = el('span', { class: 'away' });
  const when = el('span', { class: 'when' });
  return { home, score, away, when, element: el('li', {}, when, home, score, away) };
}
