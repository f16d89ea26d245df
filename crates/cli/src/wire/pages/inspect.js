// One piece of what passed: its octets, and beside them what each says.

import { count, el, set } from '/demo/dom.js';
import { FIRST, draw, headerOf, hex } from './bits.js';
import { roving } from './roving.js';

/** Octets that a link to the playground carries. */
const MAX_IN_LINK = 4096;
/** Octets of a piece that are drawn. */
const MAX_DRAWN = 2048;

const byId = (id) => document.getElementById(id);

export class Inspector extends EventTarget {
  #element = byId('inspector');
  #raw = byId('raw');
  #fields = byId('fields');
  #bits = byId('bits');
  #rows = [];
  #runs = [];
  #spans = [];
  #side = null;
  #notes = byId('notes');
  hasPlayground = false;
  #shown = [null];
  /** What is drawn, so that what did not change keeps its focus. */
  #drawn = '';
  #chosen = null;
  #placeField;
  #placeRun;
  #isWide = window.matchMedia('(min-width: 1560px)');

  constructor() {
    super();
    const field = (target) => {
      const found = target.closest('[data-field]');
      return found && found.dataset.field !== '' ? Number(found.dataset.field) : null;
    };
    this.#isWide.addEventListener('change', () => this.redraw());
    this.#placeField = roving(this.#fields, '.field', (item) => this.#choose(field(item), this.#raw));
    this.#placeRun = roving(this.#raw, '.hex .run', (item) => this.#choose(field(item), this.#fields));
    for (const part of [this.#raw, this.#fields, this.#bits]) {
      part.addEventListener('pointerover', ({ target }) => this.#light(field(target) ?? this.#chosen));
      part.addEventListener('pointerleave', () => this.#light(this.#chosen));
      part.addEventListener('click', ({ target }) => {
        if (!target.closest('a') && field(target) !== null) this.#choose(field(target), part === this.#raw ? this.#fields : this.#raw);
      });
    }
  }

  /** Draws again what is shown, where there is another width for it. */
  redraw() {
    this.#drawn = '';
    this.show(...this.#shown);
  }

  /** Shows a piece; `null` shows that there is none. */
  show(piece, name, index = null) {
    this.#shown = [piece, name, index];
    if (piece === null) {
      this.#empty();
      return;
    }
    const { exchange, from, offset, len } = piece;
    const side = exchange[from];
    const end = offset + len;
    this.#side = side;
    this.#spans = side.spans.filter((span) => span.offset < end && span.offset + span.len > offset);
    this.#element.dataset.transport = exchange.kind;
    set(byId('what'), piece.title);
    const direction = from === 'client' ? 'client to server' : 'server to client';
    set(byId('where'), `${name}, connection ${exchange.connection} from ${exchange.peer}, ${direction}, ${(piece.ms / 1000).toFixed(3)} s, ${count(len)} octets`);
    this.#drawNotes(piece);
    this.#linkPlayground(piece);
    const drawn = [piece.key, index, ...this.#spans.map((span) => `${span.offset} ${span.len} ${span.name} ${span.meaning}`)].join('\n');
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#drawRaw(side, offset, end);
    this.#drawFields(offset);
    this.#chosen = index !== null && index < this.#spans.length ? index : null;
    this.#drawBits();
    this.#light(this.#chosen);
    this.#raw.scrollTop = 0;
    this.#fields.scrollTop = 0;
    if (this.#chosen !== null) {
      this.#show(this.#rows[this.#chosen]?.item, this.#fields);
      this.#show(this.#runs.find(({ field }) => field === this.#chosen)?.elements[0], this.#raw);
    }
  }

  #empty() {
    set(byId('what'), 'Open a transport');
    set(byId('where'), 'What passes over its connection is listed in its box. Choose a line, and its octets stand here.');
    for (const part of [this.#raw, this.#fields, this.#bits, this.#notes]) part.replaceChildren();
    this.#drawn = '';
    this.#bits.hidden = true;
    byId('play').hidden = true;
    this.#chosen = null;
    delete this.#element.dataset.transport;
  }

  /** The innermost span of an octet. */
  #at(offset) {
    let found = null;
    this.#spans.forEach((span, index) => {
      if (span.offset <= offset && offset < span.offset + span.len) found = index;
    });
    return found;
  }

  #drawRaw(side, offset, end) {
    const isLarge = document.body.classList.contains('large');
    const width = this.#isWide.matches && !isLarge ? 16 : 8;
    this.#raw.dataset.width = String(width);
    this.#runs = [];
    const rows = [];
    const last = Math.min(end, offset + MAX_DRAWN);
    const innermost = [];
    this.#spans.forEach((span, index) => {
      for (let at = Math.max(span.offset, offset); at < Math.min(span.offset + span.len, last); at += 1) innermost[at - offset] = index;
    });
    for (let begin = offset; begin < last; begin += width) {
      const digits = el('span', { class: 'hex' });
      const text = el('span', { class: 'text', 'aria-hidden': 'true' });
      const until = Math.min(begin + width, last);
      for (let at = begin; at < until; ) {
        const field = innermost[at - offset] ?? null;
        const isHidden = hides(side, at);
        let to = at + 1;
        while (to < until && (innermost[to - offset] ?? null) === field && hides(side, to) === isHidden) to += 1;
        const octets = side.octets.slice(at, to);
        const attributes = {
          class: isHidden ? 'run secret' : 'run',
          'data-field': field === null ? '' : String(field),
          'data-shade': field === null ? 'none' : String(field % 2),
        };
        const pairs = el('span', { ...attributes, tabindex: '-1', role: 'button' }, octets.map((octet) => (isHidden ? '**' : hex(octet))).join(' '));
        const span = this.#spans[field];
        pairs.setAttribute('aria-label', `${span ? span.name : 'octets'}: ${octets.length} from ${at}`);
        const letters = el('span', attributes, octets.map((octet) => (octet > 32 && octet < 127 ? String.fromCharCode(octet) : '·')).join(''));
        digits.append(pairs, to < until ? ' ' : '');
        text.append(letters);
        this.#runs.push({ from: at, to, field, elements: [pairs, letters] });
        at = to;
      }
      rows.push(el('div', { class: 'row' }, el('span', { class: 'at' }, String(begin)), digits, text));
    }
    if (end > last) rows.push(el('p', { class: 'rest' }, `${count(end - last)} octets more`));
    this.#raw.replaceChildren(...rows);
    this.#placeRun();
  }

  #drawFields(offset) {
    this.#rows = this.#spans.map((span, index) => {
      const isContinued = span.offset < offset;
      const item = el(
        'button',
        { type: 'button', class: 'field', tabindex: '-1' },
        el('span', { class: 'name' }, span.name, isContinued ? ', continued' : ''),
        el('span', { class: 'meaning' }, span.meaning),
      );
      const link = span.link && el('a', { href: span.link, target: '_blank', rel: 'noreferrer', tabindex: '-1' }, span.section);
      const place = el('span', { class: 'place' }, `${span.offset} +${span.len}`);
      const row = el('li', { 'data-field': String(index), 'data-depth': String(span.depth), 'data-shade': String(index % 2) }, item, el('span', { class: 'aside' }, place, link ?? span.section));
      return { row, item, link };
    });
    this.#fields.replaceChildren(...this.#rows.map(({ row }) => row));
    this.#placeField();
  }

  /** Leads to the octets in the playground, where there is one: a frame alone, else the side from its beginning. */
  #linkPlayground({ exchange, from, offset, len }) {
    const link = byId('play');
    const [first] = this.#spans;
    const isFrame = first?.offset === offset && first.name === FIRST;
    const octets = exchange[from].octets.slice(isFrame ? offset : 0, offset + len);
    link.hidden = !this.hasPlayground || octets.length > MAX_IN_LINK;
    if (link.hidden) return;
    const as = { client: 'requests', server: 'responses' }[from];
    const text = btoa(octets.map((octet) => String.fromCharCode(octet)).join(''));
    const plain = text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    link.href = `/playground#${new URLSearchParams({ as: isFrame ? 'websocket' : as, octets: plain })}`;
  }

  /** What is wrong or still to come, below the last piece of a side. */
  #drawNotes(piece) {
    const { exchange, from, offset } = piece;
    const notes = [];
    const isLast = exchange.pieces.findLast((other) => other.from === from) === piece;
    const { fault, awaits } = this.#side;
    if (fault && fault.offset >= offset && isLast) {
      const section = fault.link ? el('a', { href: fault.link, target: '_blank', rel: 'noreferrer' }, fault.section) : fault.section;
      notes.push(el('p', { class: 'bad' }, `Breaks at ${fault.offset}: ${fault.what}. The other end answers ${fault.answer}. `, section));
    }
    if (awaits && isLast && !fault) notes.push(el('p', {}, `Waits for ${awaits}.`));
    if (exchange.dropped > 0 && isLast) {
      notes.push(el('p', { class: 'bad' }, `${count(exchange.dropped)} octets more passed and are not kept: a connection has 64 KiB.`));
    }
    this.#notes.replaceChildren(...notes);
  }

  #drawBits() {
    const header = headerOf(this.#spans, this.#spans[this.#chosen]);
    this.#bits.hidden = header === null;
    if (header === null) return;
    this.#bits.replaceChildren(...draw(header, this.#side.octets, (span) => this.#spans.indexOf(span)));
  }

  #choose(index, other) {
    if (index === null) return;
    this.#chosen = index;
    this.#shown[2] = index;
    this.#drawBits();
    this.#light(index);
    const run = this.#runs.find(({ field, from }) => field === index || from >= this.#spans[index].offset);
    if (other === this.#fields) this.#show(this.#rows[index]?.item, this.#fields);
    else this.#show(run?.elements[0], this.#raw);
    this.dispatchEvent(new CustomEvent('field', { detail: { index } }));
  }

  /** Scrolls a list, and not the page. */
  #show(element, list) {
    if (!element) return;
    const inner = element.getBoundingClientRect();
    const outer = list.getBoundingClientRect();
    if (inner.top < outer.top) list.scrollTop += inner.top - outer.top - 8;
    else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom + 8;
  }

  #light(index) {
    const span = this.#spans[index];
    const isIn = (from, to) => span !== undefined && from >= span.offset && to <= span.offset + span.len;
    for (const { from, to, elements } of this.#runs) {
      for (const element of elements) element.classList.toggle('lit', isIn(from, to));
    }
    this.#rows.forEach(({ row, item, link }, at) => {
      row.classList.toggle('lit', at === index);
      if (at === this.#chosen) item.setAttribute('aria-current', 'true');
      else item.removeAttribute('aria-current');
      if (link) link.tabIndex = at === this.#chosen ? 0 : -1;
    });
    for (const octet of this.#bits.querySelectorAll('.octet')) octet.classList.toggle('lit', Number(octet.dataset.field) === index);
  }
}

function hides({ hidden }, offset) {
  return hidden.some(([from, to]) => from <= offset && offset < to);
}
