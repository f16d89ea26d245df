// Chromium from Node: a browser, pages that report what went wrong in them, and patient checks.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

// The driver is installed with the other peers.
const require = createRequire(new URL('../peers/node/', import.meta.url));
const { chromium } = require('playwright-core');

export const version = require('playwright-core/package.json').version;

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export let count = 0;

export function equal(got, want, what) {
  count += 1;
  assert.deepEqual(got, want, what);
}

export function holds(condition, what) {
  count += 1;
  assert.ok(condition, what);
}

/** Asks until the answer is true, and fails with the last answer. */
export async function until(what, ask, limit = 8000) {
  count += 1;
  const start = Date.now();
  for (;;) {
    const answer = await ask();
    if (answer === true) return;
    if (Date.now() - start > limit) assert.fail(`${what}: ${JSON.stringify(answer)} after ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function launch(executablePath, more = []) {
  // A folder of its own for the profile, and headless, are what the driver does by itself.
  return chromium.launch({ executablePath, args: [...ARGUMENTS, ...more] });
}

/** What a cut must look like from the network, in the words of the console. */
const CUT = /net::ERR_|WebSocket connection to/;

/** Opens a page that keeps its complaints. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  await watch(page);
  await page.goto(url);
  return page;
}

/** A second tab of the same window. */
export async function tab(page, url) {
  const second = await page.context().newPage();
  await watch(second);
  await second.goto(url);
  return second;
}

async function watch(page) {
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('dialog', (dialog) => page.complaints.push(`dialog ${dialog.message()}`) && dialog.dismiss());
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
}

/** Nothing was complained about; where connections were cut, nothing but that. */
export function quiet(page, what, wasCut = false) {
  const complaints = page.complaints.filter((text) => !(wasCut && CUT.test(text)));
  equal(complaints, [], what);
}

export const TRANSPORTS = ['short-poll', 'long-poll', 'websocket', 'sse'];

/** What the panels or cards show. */
export function panels(page) {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('[data-transport]')].map((panel) => {
        const text = (selector) => panel.querySelector(selector)?.textContent ?? '';
        const figures = [...panel.querySelectorAll('[data-figure]')].map((figure) => [
          figure.dataset.figure,
          figure.textContent,
        ]);
        return [
          panel.dataset.transport,
          {
            state: panel.querySelector('.link').dataset.state,
            words: text('.link-words'),
            offset: Number(panel.querySelector('.link-position').title.split('.')[1]),
            outcome: text('.outcome'),
            kind: panel.querySelector('.outcome').dataset.kind,
            height: Math.round(panel.getBoundingClientRect().height),
            ...Object.fromEntries(figures),
          },
        ];
      }),
    ));
}

/** The same at a moment when the figures, which move ten times a second, have caught up with the positions. */
export async function settled(page) {
  for (;;) {
    const before = await panels(page);
    await page.waitForTimeout(150);
    const after = await panels(page);
    if (TRANSPORTS.every((name) => before[name].offset === after[name].offset)) return after;
  }
}

export async function publish(base, channel, data, query = '') {
  const answer = await fetch(`${base}/channels/${channel}${query}`, {
    method: 'POST',
    body: data,
    headers: { 'Content-Type': typeof data === 'string' ? 'text/plain' : 'application/octet-stream' },
  });
  assert.equal(answer.status, 200, `POST ${channel}`);
  return (await answer.json()).id;
}

export async function info(base, channel) {
  return (await fetch(`${base}/channels/${channel}/info`)).json();
}
