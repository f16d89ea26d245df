// The header of a frame, bit by bit (RFC 6455 §5.2).

import { el } from '/demo/dom.js';

export const FIRST = 'FIN, RSV, opcode';
const SECOND = 'MASK, payload length';
const EXTENDED = 'extended payload length';
const KEY = 'masking key';

const PARTS = {
  [FIRST]: [['FIN', 1], ['RSV1', 1], ['RSV2', 1], ['RSV3', 1], ['opcode', 4]],
  [SECOND]: [['MASK', 1], ['payload len', 7]],
};
const OPCODES = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

function value(name, number) {
  if (name === 'opcode') return `${number}: ${OPCODES[number] ?? 'reserved'}`;
  if (name === 'payload len') {
    if (number === 126) return '126: in the next 2 octets';
    return number === 127 ? '127: in the next 8 octets' : `${number} octets`;
  }
  if (name === 'MASK') return number ? 'key follows' : 'no key';
  if (name === 'FIN') return number ? 'last' : 'more';
  return '';
}

/** The spans of the header that `span` belongs to, or of the first one; `null` where there is none. */
export function headerOf(spans, span) {
  const starts = spans.flatMap(({ name }, index) => (name === FIRST ? [index] : []));
  if (starts.length === 0) return null;
  const at = Math.max(0, spans.indexOf(span));
  const start = starts.filter((index) => index <= at).pop() ?? starts[0];
  const parts = { [FIRST]: spans[start] };
  for (const other of spans.slice(start + 1)) {
    if (![SECOND, EXTENDED, KEY].includes(other.name)) break;
    parts[other.name] = other;
  }
  return parts;
}

/** Draws a header. Each part tells its span as `data-field`. */
export function draw(parts, octets, fieldOf) {
  const drawn = Object.entries(parts).map(([name, span]) => {
    const part = octets.slice(span.offset, span.offset + span.len);
    const box = { class: 'octet', 'data-field': String(fieldOf(span)) };
    if (!PARTS[name]) {
      const digits = part.map((octet) => el('span', { class: 'bit wide' }, hex(octet)));
      const words = name === EXTENDED ? span.meaning : 'XORed over the payload';
      return el('div', box, group(name, digits, words));
    }
    const bits = part[0].toString(2).padStart(8, '0');
    let from = 0;
    const groups = PARTS[name].map(([label, len]) => {
      const own = bits.slice(from, from + len);
      from += len;
      const cells = [...own].map((bit) => el('span', { class: 'bit', 'data-bit': bit }, bit));
      return group(label, cells, value(label, parseInt(own, 2)));
    });
    return el('div', box, ...groups);
  });
  return drawn;
}

function group(label, cells, words) {
  return el(
    'div',
    { class: 'group' },
    el('span', { class: 'label' }, label),
    el('span', { class: 'cells' }, ...cells),
    el('span', { class: 'value' }, words),
  );
}

export function hex(octet) {
  return octet.toString(16).padStart(2, '0');
}
