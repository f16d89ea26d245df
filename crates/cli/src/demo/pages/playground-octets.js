// Octets as text with escapes, and as hex: both ways.

const SIMPLE = new Map([[0, '\\0'], [9, '\\t'], [10, '\\n'], [13, '\\r'], [92, '\\\\']]);
const LETTERS = new Map([...SIMPLE].map(([octet, escape]) => [escape[1], octet]));
const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// What a reader tells apart from nothing, and from its neighbours.
const VISIBLE = /^[\p{L}\p{N}\p{P}\p{S}]$/u;

export const pair = (octet) => octet.toString(16).padStart(2, '0');

/** The character of more than one octet that begins at `at`, if it can be seen. */
function character(octets, at) {
  const lead = octets[at];
  const len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (len === 0 || at + len > octets.length) return null;
  try {
    const text = strict.decode(octets.subarray(at, at + len));
    return VISIBLE.test(text) ? { text, len } : null;
  } catch {
    return null;
  }
}

/** Text with escapes, which begins a line behind each end of a line. */
export function toText(octets) {
  let out = '';
  for (let at = 0; at < octets.length; at += 1) {
    const octet = octets[at];
    const more = octet >= 0x80 ? character(octets, at) : null;
    if (more) {
      out += more.text;
      at += more.len - 1;
    } else {
      const plain = octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : `\\x${pair(octet)}`;
      out += SIMPLE.get(octet) ?? plain;
    }
    const endsLine = octet === 10 || (octet === 13 && octets[at + 1] !== 10);
    if (endsLine && at + 1 < octets.length) out += '\n';
  }
  return out;
}

/** The octets of a text with escapes; throws the place of one that is none. */
export function fromText(text) {
  const out = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '\n' || sign === '\r') continue;
    if (sign !== '\\') {
      const whole = String.fromCodePoint(text.codePointAt(at));
      out.push(...encoder.encode(whole));
      at += whole.length - 1;
      continue;
    }
    const letter = text[at + 1];
    const digits = text.slice(at + 2, at + 4);
    if (letter === 'x' && /^[0-9a-f]{2}$/i.test(digits)) {
      out.push(parseInt(digits, 16));
      at += 3;
    } else if (LETTERS.has(letter)) {
      out.push(LETTERS.get(letter));
      at += 1;
    } else {
      throw new SyntaxError(`${text.slice(at, at + 2)} is no escape`);
    }
  }
  return Uint8Array.from(out);
}

/** Pairs of digits, sixteen a line. */
export function toHex(octets) {
  const pairs = Array.from(octets, pair);
  const lines = [];
  for (let at = 0; at < pairs.length; at += 16) lines.push(pairs.slice(at, at + 16).join(' '));
  return lines.join('\n');
}

/** The octets of pairs of digits; spaces, colons and what stands behind `#` are passed over. */
export function fromHex(text) {
  const digits = text.replace(/#.*/g, '').replace(/[\s:]/g, '');
  const other = /[^0-9a-f]/i.exec(digits);
  if (other) throw new SyntaxError(`${other[0]} is no hexadecimal digit`);
  if (digits.length % 2 > 0) throw new SyntaxError('the last pair lacks a digit');
  return Uint8Array.from(digits.match(/../g) ?? [], (two) => parseInt(two, 16));
}

/** What a link can carry: base64 in the alphabet of URLs (RFC 4648 §5). */
export function toBase64(octets) {
  const text = Array.from(octets, (octet) => String.fromCharCode(octet)).join('');
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

export function fromBase64(text) {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}
