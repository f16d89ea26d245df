// The page: two views of which one is live at a time. A browser has six connections to a server, so a
// view that is not seen lets go of its own, and takes them up again where it was.

import { Compare } from './compare.js';
import { count, set } from './dom.js';
import { Natural } from './natural.js';
import { takePlace } from './place.js';
import { tabs } from './tabs.js';

const TICK = 100;
const VIEWS = { natural: Natural, compare: Compare };

const built = {};
let name = null;
let leavePlace = null;

const waiting = document.getElementById('waiting');
const cutSeconds = () => Number(document.querySelector('input[name="cut"]:checked').value);
const view = () => built[name];

function resume() {
  if (leavePlace) return;
  const soon = setTimeout(() => {
    waiting.hidden = false;
  }, 500);
  leavePlace = takePlace(() => {
    clearTimeout(soon);
    waiting.hidden = true;
    view().resume();
  });
}

function pause() {
  leavePlace?.();
  leavePlace = null;
  view()?.pause();
}

function show(chosen) {
  if (chosen === name) return;
  pause();
  view()?.element.remove();
  name = chosen;
  built[name] ??= new VIEWS[name](cutSeconds);
  document.getElementById(`view-${name}`).append(view().element);
  history.replaceState(null, '', `#${name}`);
  if (!document.hidden) resume();
}

const select = tabs(document.querySelector('[role="tablist"]'), show);
select(window.location.hash.slice(1));

document.addEventListener('visibilitychange', () => (document.hidden ? pause() : resume()));
// A page that the browser keeps for the way back holds no connections either.
window.addEventListener('pagehide', pause);
window.addEventListener('pageshow', ({ persisted }) => persisted && resume());

const dark = window.matchMedia('(prefers-color-scheme: dark)');
dark.addEventListener('change', () => view().draw?.());
const still = window.matchMedia('(prefers-reduced-motion: reduce)');
let turn = 0;
setInterval(() => {
  if (document.hidden) return;
  turn += 1;
  view().tick();
  if (!still.matches || turn % 10 === 0) view().draw?.();
}, TICK);

try {
  const settings = await (await fetch('/demo/settings', { cache: 'no-store' })).json();
  set(document.getElementById('history'), `${count(settings.history)} messages`);
  document.getElementById('to-wire').hidden = !settings.wire;
} catch {
  // The sentence stays without the number.
}
