// The playground: octets in two forms kept in step, told by the codecs, with all of it in the link.

import { el, set } from './dom.js';
import { EXAMPLES } from './playground-examples.js';
import { PROTOCOLS, load } from './playground-module.js';
import { fromBase64, fromHex, fromText, toBase64, toHex, toText } from './playground-octets.js';
import { View } from './playground-view.js';

/** The module takes no more. */
const MOST = 16_384;
/** Longer links are cut by what carries them. */
const MOST_IN_LINK = 4096;
/** A browser takes a few changes of the link a second. */
const LINK_WAIT = 250;

const WORDS = {
  detect: 'what they look like',
  requests: 'HTTP requests',
  responses: 'HTTP responses',
  websocket: 'WebSocket frames',
  sse: 'event stream',
};

const at = (id) => document.getElementById(id);
const [text, hex, cut, summary] = ['text', 'hex', 'cut', 'summary'].map(at);
const view = new View();
const state = { protocol: 'detect', octets: new Uint8Array(), cut: 0 };
let tell = null;
let told = null;
let linkTimer = null;

/** Tells the octets anew; `from` is the field that is being typed in and keeps its text. */
function change(octets, from) {
  state.octets = octets.subarray(0, MOST);
  state.cut = Math.min(state.cut, state.octets.length);
  if (from !== text) text.value = toText(state.octets);
  if (from !== hex) hex.value = toHex(state.octets);
  wrong(text, '');
  wrong(hex, '');
  show();
}

function wrong(field, words) {
  set(at(`${field.id}-wrong`), words);
  field.setAttribute('aria-invalid', String(words !== ''));
}

function show() {
  link();
  if (!tell) return;
  const { protocol, octets } = state;
  cut.max = String(octets.length);
  cut.value = String(state.cut);
  told = JSON.parse(tell(protocol, octets, state.cut));
  const count = `${octets.length.toLocaleString('en')} octet${octets.length === 1 ? '' : 's'}`;
  const verdict = told.fault ? 'broken' : told.awaits ? 'not whole' : 'whole';
  set(summary, octets.length === 0 ? 'No octet yet.' : `${count}, read as ${WORDS[told.protocol]}: ${verdict}.`);
  summary.dataset.kind = verdict;
  view.show(octets, told);
  view.showCut(octets, told);
}

function moveCut() {
  state.cut = Number(cut.value);
  told = JSON.parse(tell(state.protocol, state.octets, state.cut));
  view.showCut(state.octets, told);
  link();
}

/** Puts all of it in the link, once the typing pauses. */
function link() {
  clearTimeout(linkTimer);
  linkTimer = setTimeout(() => {
    const fits = state.octets.length <= MOST_IN_LINK;
    const fields = new URLSearchParams({ as: state.protocol, cut: state.cut, octets: toBase64(state.octets) });
    const hash = fits ? `#${fields}` : '#';
    at('permalink').hidden = !fits;
    at('permalink').href = hash;
    if (window.location.hash !== hash) window.history.replaceState(null, '', hash);
  }, LINK_WAIT);
}

/** Takes what the link says; tells whether it says anything. */
function follow() {
  const fields = new URLSearchParams(window.location.hash.slice(1));
  if (!fields.has('octets')) return false;
  let octets;
  try {
    octets = fromBase64(fields.get('octets'));
  } catch {
    return false;
  }
  begin(fields.get('as'), octets, Number(fields.get('cut')) || 0);
  return true;
}

function begin(protocol, octets, cutAt) {
  state.protocol = PROTOCOLS.includes(protocol) ? protocol : 'detect';
  state.cut = Math.max(0, Math.trunc(cutAt));
  at(`as-${state.protocol}`).checked = true;
  change(octets, null);
}

function typed(field, read) {
  field.addEventListener('input', () => {
    try {
      change(read(field.value), field);
    } catch (error) {
      wrong(field, error.message);
    }
  });
}

/** Enter ends a line of octets too: by CRLF in HTTP, by LF elsewhere. With Shift it breaks the line of the field alone. */
function endLine(event) {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const isHttp = ['requests', 'responses'].includes(told?.protocol);
  text.setRangeText(`${isHttp ? '\\r\\n' : '\\n'}\n`, text.selectionStart, text.selectionEnd, 'end');
  text.dispatchEvent(new Event('input'));
}

function offer() {
  const choices = PROTOCOLS.map((name) =>
    el('label', {}, el('input', { type: 'radio', name: 'as', id: `as-${name}`, value: name }), el('span', {}, WORDS[name])));
  at('protocols').append(...choices);
  at('protocols').addEventListener('change', ({ target }) => {
    state.protocol = target.value;
    show();
  });
  for (const [protocol, all] of Object.entries(EXAMPLES)) {
    const buttons = all.map(({ name, bad, text: octets }) => {
      const button = el('button', { type: 'button', class: bad ? 'example bad' : 'example', 'data-example': name }, name);
      button.addEventListener('click', () => {
        const read = fromText(octets);
        begin(protocol, read, Math.floor(read.length / 2));
      });
      return button;
    });
    const id = `examples-${protocol}`;
    at('examples').append(el('div', { role: 'group', 'aria-labelledby': id }, el('h3', { id }, WORDS[protocol]), ...buttons));
  }
}

offer();
typed(text, fromText);
typed(hex, fromHex);
text.addEventListener('keydown', endLine);
cut.addEventListener('input', moveCut);
window.addEventListener('hashchange', follow);
if (!follow()) begin('websocket', fromText(EXAMPLES.websocket[0].text), 5);
try {
  tell = await load();
  show();
} catch (error) {
  summary.dataset.kind = 'broken';
  set(summary, `The codecs cannot be loaded: ${error.message}.`);
}
