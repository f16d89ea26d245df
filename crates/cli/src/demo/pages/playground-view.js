// What is shown of a trace: octets coloured by part, the parts in words, and events before and behind a cut.

import { el, set } from './dom.js';
import { pair } from './playground-octets.js';

/** More octets, or more parts, are not drawn. */
const MOST_OCTETS = 2048;
const MOST_PARTS = 400;
const HUES = 6;
/** Octets of a part that its row repeats. */
const ROW = 6;

const at = (id) => document.getElementById(id);
const plural = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

/** What stands below the digits of an octet: its sign in ASCII, or its escape. */
function sign(octet) {
  if (octet === 10) return '\\n';
  if (octet === 13) return '\\r';
  if (octet === 32) return '\u00b7';
  // A space of no width, so that each octet has two lines.
  return octet > 32 && octet < 127 ? String.fromCharCode(octet) : '\u200b';
}

/** Names in the order in which they come, so that one name has one colour. */
function hues(spans) {
  const names = [...new Set(spans.map(({ name }) => name))];
  return new Map(names.map((name, index) => [name, index % HUES]));
}

export class View {
  #parts = at('parts');
  #octets = at('octets');
  #cells = [];
  #rows = [];
  #groups = [];

  constructor() {
    this.#parts.addEventListener('keydown', (event) => this.#key(event));
    this.#parts.addEventListener('click', ({ target }) => this.#choose(this.#rows.indexOf(target.closest('.row'))));
    this.#octets.addEventListener('click', ({ target }) => {
      const group = target.closest('.part');
      if (group) this.#choose(this.#groups.indexOf(group));
    });
    for (const place of [this.#parts, this.#octets]) {
      place.addEventListener('pointerover', ({ target }) => this.#light(target));
      place.addEventListener('pointerleave', () => this.#light(null));
    }
  }

  /** Shows octets and what they are. */
  show(octets, told) {
    const colour = hues(told.spans);
    this.#cells = [];
    this.#groups = [];
    this.#rows = [];
    const drawn = octets.subarray(0, MOST_OCTETS);
    const groups = [];
    for (const span of told.spans.slice(0, MOST_PARTS)) {
      const hue = `hue-${colour.get(span.name)}`;
      if (span.offset < drawn.length) {
        const group = el('span', { class: `part ${hue}`, title: span.name }, ...this.#draw(drawn, span.offset, span.offset + span.len));
        this.#groups.push(group);
        groups.push(group);
      }
      this.#rows.push(row(octets, span, hue));
    }
    const last = told.spans.at(-1);
    const end = last ? last.offset + last.len : 0;
    if (end < drawn.length) groups.push(el('span', { class: 'part untold' }, ...this.#draw(drawn, end, drawn.length)));
    if (told.fault) {
      this.#cells[told.fault.offset]?.classList.add('fault');
      this.#rows.push(faultRow(octets, told.fault));
    }
    // Where nothing stands, the fault or the end is marked behind the last octet.
    if (told.fault && told.fault.offset >= octets.length) groups.push(el('span', { class: 'octet fault beyond' }, '!'));
    this.#octets.replaceChildren(...groups);
    this.#parts.replaceChildren(...this.#rows);
    this.#rows.forEach((one, index) => {
      one.tabIndex = index === 0 ? 0 : -1;
    });
    const hidden = octets.length - drawn.length;
    at('shortened').hidden = hidden === 0 && told.spans.length <= MOST_PARTS;
    set(at('shortened'), `The first ${plural(drawn.length, 'octet')} and ${plural(Math.min(told.spans.length, MOST_PARTS), 'part')} are drawn.`);
    set(at('end'), ending(octets, told));
  }

  #draw(octets, from, to) {
    const cells = [];
    for (let index = from; index < Math.min(to, octets.length); index += 1) {
      const octet = octets[index];
      const cell = el('span', { class: 'octet' }, el('span', {}, pair(octet)), el('span', { class: 'sign' }, sign(octet)));
      this.#cells[index] = cell;
      cells.push(cell);
    }
    return cells;
  }

  /** Shows what the codec told before the cut and behind it. */
  showCut(octets, { events, cut }) {
    for (const cell of this.#octets.querySelectorAll('.cut')) cell.classList.remove('cut');
    if (cut.at > 0) this.#cells[cut.at]?.classList.add('cut');
    set(at('cut-at'), `${plural(cut.at, 'octet')}, then ${octets.length - cut.at}`);
    set(at('before-heading'), `After the first ${plural(cut.at, 'octet')}`);
    set(at('behind-heading'), `After the other ${octets.length - cut.at}`);
    const isEarly = ({ given }) => given <= cut.at && cut.at > 0;
    list(at('before'), cut.at === 0 ? [] : events.filter(isEarly));
    list(at('behind'), events.filter((event) => !isEarly(event)));
    const isOver = events.filter(isEarly).some(({ name }) => name === 'error');
    const waits = cut.awaits === null ? 'Here it is in the middle of nothing.' : `It waits for ${cut.awaits}.`;
    set(at('cut-awaits'), isOver ? 'Here it has given up.' : waits);
    set(at('same'), cut.same
      ? 'Whole, in these two pieces, and octet by octet: the same events.'
      : 'Whole, in two pieces and octet by octet it tells different events: that is a fault of the codec.');
    at('same').dataset.kind = cut.same ? 'whole' : 'broken';
  }

  #key(event) {
    const index = this.#rows.indexOf(document.activeElement);
    const last = this.#rows.length - 1;
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: last }[event.key];
    if (to === undefined || index < 0) return;
    event.preventDefault();
    this.#choose(Math.min(Math.max(to, 0), last));
  }

  #choose(index) {
    if (index < 0 || index >= this.#rows.length) return;
    this.#rows.forEach((one, other) => {
      one.tabIndex = other === index ? 0 : -1;
      one.setAttribute('aria-selected', String(other === index));
    });
    this.#groups.forEach((group, other) => group.classList.toggle('chosen', other === index));
    this.#rows[index].focus();
  }

  #light(target) {
    const inRow = this.#rows.indexOf(target?.closest('.row'));
    const index = inRow >= 0 ? inRow : this.#groups.indexOf(target?.closest('.part'));
    this.#rows.forEach((one, other) => one.classList.toggle('lit', other === index));
    this.#groups.forEach((group, other) => group.classList.toggle('lit', other === index));
  }
}

function row(octets, { offset, len, name, meaning, section }, hue) {
  const shown = Array.from(octets.subarray(offset, offset + Math.min(len, ROW)), pair).join(' ');
  return el('div', { class: `row ${hue}`, role: 'option', 'aria-selected': 'false' },
    el('span', { class: 'offset' }, String(offset)),
    el('code', {}, len > ROW ? `${shown} \u2026` : shown),
    el('b', {}, name),
    el('span', { class: 'meaning' }, meaning),
    el('span', { class: 'section' }, section));
}

function faultRow(octets, { offset, what, section, answer }) {
  return el('div', { class: 'row broken', role: 'option', 'aria-selected': 'false' },
    el('span', { class: 'offset' }, String(offset)),
    el('code', {}, offset < octets.length ? pair(octets[offset]) : ''),
    el('b', {}, 'here it breaks'),
    el('span', { class: 'meaning' }, what, el('span', { class: 'answer' }, `The other end answers ${answer}.`)),
    el('span', { class: 'section' }, section));
}

function ending(octets, { fault, awaits }) {
  if (octets.length === 0) return 'No octet yet.';
  if (fault) return '';
  return awaits === null ? 'All of it is told.' : `Here it ends, waiting for ${awaits}.`;
}

function list(place, events) {
  const items = events.map(({ name, what }) =>
    el('li', { class: name === 'error' ? 'broken' : '' }, el('b', {}, name), ' ', el('span', {}, what)));
  place.replaceChildren(...(items.length > 0 ? items : [el('li', { class: 'none' }, 'no event')]));
}
