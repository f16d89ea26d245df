// The page: lanes on one side, what is chosen of them on the other, and a link to every moment of it.

import { publish } from '/tidings.js';
import { set } from '/demo/dom.js';
import { takePlace } from '/demo/place.js';
import { TRANSPORTS } from '/demo/words.js';
import { Inspector } from './inspect.js';
import { Lane } from './lane.js';
import { Trace, beginTrace } from './trace.js';

const CHANNEL = '/channels/wire';
const ORDER = ['short-poll', 'long-poll', 'sse', 'websocket'];
const PUBLISHING = { id: 'publish', name: 'Publishing', flow: 'a request for each message' };
const OTHERS = { id: 'other', name: 'Other connections', flow: 'what everybody else says to this server' };

const FULL = 'Two other windows are live. A browser has six connections to a server, so close one of them.';
const AWAY = 'The server is away. This page asks again.';

const byId = (id) => document.getElementById(id);
const inspector = new Inspector();
const lanes = new Map();
const narrow = window.matchMedia('(max-width: 1000px)');

let trace = null;
/** The trace of all other connections. */
let others = null;
let chosen = null;
let field = null;
let isFollowing = false;
let leavePlace = null;

/** What the link says. */
const asked = new URLSearchParams(window.location.hash.slice(1));
let awaited = asked.get('at');
let awaitedField = asked.has('field') ? Number(asked.get('field')) : null;

function notice(words) {
  byId('notice').hidden = words === '';
  set(byId('notice'), words);
}

/** The channel's URL, with the name of the trace. */
function url() {
  return `${CHANNEL}?trace=${trace.name}`;
}

function laneOf(piece) {
  const { trace: from, kind } = piece.exchange;
  return lanes.get(from === others ? OTHERS.id : kind) ?? lanes.get(PUBLISHING.id);
}

function pieceOf(key) {
  const [number, index] = key.split('.').map(Number);
  const exchange = trace?.exchange(number) ?? others?.exchange(number);
  return exchange?.pieces[index] ?? null;
}

function choose(key, index = null) {
  const piece = key === null ? null : pieceOf(key);
  if (key !== null && piece === null) return;
  chosen = key;
  field = index;
  for (const lane of lanes.values()) lane.mark(key);
  inspector.show(piece, piece ? laneOf(piece).name : '', index);
  steps();
  link();
}

function link() {
  const state = new URLSearchParams();
  if (trace) state.set('trace', trace.name);
  if (chosen !== null) state.set('at', chosen);
  if (field !== null) state.set('field', String(field));
  if (document.body.classList.contains('large')) state.set('large', '1');
  history.replaceState(null, '', `#${state}`);
}

/** The lane of what is chosen, or the first that has something. */
function current() {
  const all = [...lanes.values()];
  return all.find(({ keys }) => keys.includes(chosen)) ?? all.find(({ keys }) => keys.length > 0) ?? null;
}

function step(by) {
  const keys = current()?.keys ?? [];
  const at = keys.indexOf(chosen);
  const to = keys[at < 0 ? 0 : at + by];
  if (to !== undefined) choose(to);
}

function steps() {
  const keys = current()?.keys ?? [];
  const at = keys.indexOf(chosen);
  byId('earlier').disabled = at <= 0;
  byId('later').disabled = at < 0 || at === keys.length - 1;
}

function took({ detail: { piece } }) {
  const lane = laneOf(piece);
  lane.add(piece);
  if (piece.key === awaited) {
    awaited = null;
    choose(piece.key, awaitedField);
  } else if (isFollowing && (chosen === null || lane === current())) {
    choose(piece.key);
  } else if (chosen === null && awaited === null) {
    choose(piece.key);
  }
  steps();
}

function changed({ detail: { exchange } }) {
  // What is shown may go on, as a payload that comes in parts.
  const piece = chosen === null ? null : pieceOf(chosen);
  if (piece?.exchange === exchange) inspector.show(piece, laneOf(piece).name, field);
}

function counts() {
  const button = byId('pause');
  const isPaused = trace?.isPaused ?? false;
  button.setAttribute('aria-pressed', String(isPaused));
  const waiting = (trace?.waiting ?? 0) + (others?.waiting ?? 0);
  set(button, isPaused ? `Resume${waiting > 0 ? ` (${waiting})` : ''}` : 'Pause');
}

function listen(one) {
  one.addEventListener('piece', took);
  one.addEventListener('exchange', changed);
  one.addEventListener('closed', ({ detail: { exchange } }) => {
    if (exchange.pieces.length > 0) laneOf(exchange.pieces[0]).ended(exchange);
  });
  one.addEventListener('waiting', counts);
  one.addEventListener('state', ({ detail: { isOpen } }) => {
    if (!isOpen) notice(AWAY);
    else if (byId('notice').textContent === AWAY) notice('');
  });
  one.addEventListener('missed', ({ detail: { missed } }) =>
    notice(`${missed} requests are not shown: the server keeps 100 connections, and all of them are open.`));
}

async function begin(name) {
  trace?.leave();
  const started = name ?? (await beginTrace());
  if (started === null) {
    notice('The server keeps as many traces as it takes. Try again in a minute.');
    return;
  }
  trace = new Trace(started);
  listen(trace);
  trace.addEventListener('lost', lost);
  trace.follow(name !== null);
  link();
}

/** The server knows the trace no longer: what is shown stays, and what passes from here on is of another. */
async function lost() {
  awaited = null;
  for (const lane of lanes.values()) {
    if (lane.isOpen) lane.close();
    lane.clear();
  }
  choose(null);
  try {
    await begin(null);
    notice('The server no longer keeps the trace of this link. This is an empty one.');
  } catch {
    notice('The server is away. Load the page again when it is back.');
  }
}

/** A browser has six connections to a server: a third window waits. */
function ensurePlace() {
  if (leavePlace) return;
  const soon = setTimeout(() => notice(FULL), 500);
  leavePlace = takePlace(() => {
    clearTimeout(soon);
    if (byId('notice').textContent === FULL) notice('');
  });
}

function build(settings) {
  const words = [...ORDER.map((id) => TRANSPORTS.find((transport) => transport.id === id)), PUBLISHING];
  if (settings.all) words.push(OTHERS);
  words.forEach((transport, index) => {
    const lane = new Lane(transport, index < 4 ? String(index + 1) : null, url);
    lane.addEventListener('choose', ({ detail: { key } }) => {
      if (key !== chosen) choose(key);
    });
    // Where the octets stand below, who chooses a line wants to see them.
    lane.element.addEventListener('click', ({ target }) => {
      if (target.closest('.line') && narrow.matches) byId('inspector').scrollIntoView({ block: 'start' });
    });
    lane.addEventListener('open', ensurePlace);
    lane.addEventListener('state', () => {
      set(byId('open-all'), allOpen() ? 'Close all four' : 'Open all four');
      byId('by-frame').disabled = lanes.get('websocket')?.element.dataset.state !== 'open';
    });
    lanes.set(transport.id, lane);
    byId('lanes').append(lane.element);
  });
  byId('to-demo').hidden = !settings.demo;
  inspector.hasPlayground = settings.demo;
}

function allOpen() {
  return ORDER.every((id) => lanes.get(id)?.isOpen);
}

async function say(by) {
  const text = byId('text').value;
  try {
    await (by === 'frame' ? lanes.get('websocket').publish(text) : publish(url(), text));
  } catch (error) {
    notice(`The message was not published: ${error.message}`);
  }
}

byId('publish').addEventListener('submit', (event) => {
  event.preventDefault();
  say('post');
});
byId('by-frame').addEventListener('click', () => say('frame'));
byId('open-all').addEventListener('click', () => {
  const isAll = allOpen();
  for (const id of ORDER) {
    if (isAll) lanes.get(id).close();
    else lanes.get(id).open();
  }
});
byId('pause').addEventListener('click', () => {
  if (!trace) return;
  const isPaused = !trace.isPaused;
  trace.isPaused = isPaused;
  if (others) others.isPaused = isPaused;
  counts();
});
byId('clear').addEventListener('click', () => {
  for (const lane of lanes.values()) lane.clear();
  choose(null);
});
byId('link').addEventListener('click', async () => {
  link();
  try {
    await navigator.clipboard.writeText(window.location.href);
    set(byId('link'), 'Copied');
  } catch {
    // Missing without TLS and not from this machine: the address bar has it.
    set(byId('link'), 'In the address bar');
  }
  setTimeout(() => set(byId('link'), 'Copy link'), 2000);
});
byId('large').addEventListener('click', () => {
  large(!document.body.classList.contains('large'));
  inspector.redraw();
  link();
});
byId('earlier').addEventListener('click', () => step(-1));
byId('later').addEventListener('click', () => step(1));
byId('follow').addEventListener('click', () => {
  isFollowing = !isFollowing;
  byId('follow').setAttribute('aria-pressed', String(isFollowing));
  const newest = current()?.keys.at(-1);
  if (isFollowing && newest !== undefined) choose(newest);
});
inspector.addEventListener('field', ({ detail: { index } }) => {
  field = index;
  link();
});

function large(isLarge) {
  document.body.classList.toggle('large', isLarge);
  byId('large').setAttribute('aria-pressed', String(isLarge));
}

large(asked.get('large') === '1');
try {
  const settings = await (await fetch('/wire/settings', { cache: 'no-store' })).json();
  build(settings);
  await begin(/^[0-9a-f]{32}$/.test(asked.get('trace')) ? asked.get('trace') : null);
  if (settings.all) {
    others = new Trace('all');
    listen(others);
    others.follow();
  }
} catch {
  notice('The server is away. Load the page again when it is back.');
}
