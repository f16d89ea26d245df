// The wire view in Chromium. Usage: wire.mjs CHROMIUM SERVER SERVER_THAT_TRACES_ALL FOLDER
import * as checks from './browser.mjs';
import { equal, holds, launch, open, publish, quiet, until } from './browser.mjs';
import { contrasts } from './looks.mjs';

const [executable, base, all, folder] = process.argv.slice(2);

/** The lines of a lane: who sent it, its words, its key. */
function lines(page, lane) {
  return page.evaluate((id) =>
    [...document.querySelectorAll(`.lane[data-transport="${id}"] .line`)].map((line) => ({
      key: line.dataset.key,
      from: line.dataset.from,
      words: line.querySelector('.words').textContent,
      isCurrent: line.getAttribute('aria-current') === 'true',
    })), lane);
}

async function has(page, lane, from, part) {
  const found = await lines(page, lane);
  return found.some((line) => line.from === from && line.words.includes(part)) || found;
}

/** Chooses the last line of a lane that has these words. */
async function choose(page, lane, from, part) {
  await until(`${lane} has ${part}`, () => has(page, lane, from, part), 12_000);
  await page.locator(`.lane[data-transport="${lane}"] .line[data-from="${from}"]`, { hasText: part }).last().click();
}

/** The fields that are shown: name and meaning. */
function fields(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('#fields li')].map((row) => [
      row.querySelector('.name').textContent,
      row.querySelector('.meaning').textContent,
      row.querySelector('.aside').lastChild.textContent,
    ]));
}

async function says(page, name, part, section) {
  const told = await fields(page);
  holds(told.some(([is, meaning, by]) => is === name && meaning.includes(part) && by.includes(section)), `${name} ${part} ${section}: ${JSON.stringify(told)}`);
}

/** The octets that are lit, as hexadecimal digits. */
function lit(page) {
  return page.evaluate(() => [...document.querySelectorAll('.hex .run.lit')].map((run) => run.textContent).join(' '));
}

/** The state of each lane. */
function states(page) {
  return page.evaluate(() =>
    Object.fromEntries([...document.querySelectorAll('.lane')].map((lane) => [lane.dataset.transport, lane.dataset.state])));
}

async function openAll(page) {
  await page.locator('#open-all').click();
  await until('all four are open', async () => {
    const { websocket, sse, 'long-poll': long, 'short-poll': short } = await states(page);
    return [websocket, sse, long, short].every((state) => state === 'open') || states(page);
  });
}

async function polls(page) {
  await choose(page, 'short-poll', 'client', 'If-None-Match');
  await says(page, 'method', 'GET', 'RFC 9110 §9');
  await says(page, 'field line', 'If-None-Match: "', 'RFC 9110 §13.1.2');
  await says(page, 'request target', 'trace=(32 octets, not shown)', 'RFC 9112 §3.2');
  holds(/\*\* \*\* \*\*/.test(await page.locator('#raw').textContent()), 'a credential is stars');
  await choose(page, 'short-poll', 'server', '304 Not Modified');
  await says(page, 'status code', '304', 'RFC 9110 §15');
  await choose(page, 'long-poll', 'client', 'Prefer: wait=25');
  await says(page, 'field line', 'Prefer: wait=25', 'RFC 7240 §2');
}

async function stream(page) {
  await choose(page, 'sse', 'server', 'event stream: id, data');
  await says(page, 'chunk size', 'octets follow', 'RFC 9112 §7.1');
  await says(page, 'data', 'a line of data: "Hello"', 'WHATWG HTML §9.2.6');
  await says(page, 'blank line', 'dispatches an event', 'WHATWG HTML §9.2.6');
  // A field and its octets light up together, whichever is pointed at.
  const data = page.locator('#fields li', { hasText: 'a line of data' });
  await data.hover();
  equal(await lit(page), '64 61 74 61 3a 20 48 65 6c 6c 6f 0a', 'the octets of "data: Hello"');
  await page.locator('.hex .run', { hasText: '0d 0a' }).first().hover();
  equal(await page.locator('#fields li.lit .name').allTextContents(), ['chunk size'], 'the field of its octets');
}

async function frames(page) {
  await choose(page, 'websocket', 'server', '101 Switching Protocols');
  await says(page, 'status code', '101', 'RFC 9110 §15');
  await says(page, 'field line', 'Sec-WebSocket-Accept', 'RFC 6455 §4.2.2');
  await says(page, 'FIN, RSV, opcode', 'text (0x1)', 'RFC 6455 §5.2');
  await choose(page, 'websocket', 'client', 'Upgrade: websocket');
  await says(page, 'field line', 'the answer must be', 'RFC 6455 §4.1');
  await page.locator('#by-frame').click();
  await choose(page, 'websocket', 'client', 'Text frame');
  await says(page, 'masking key', 'XORed', 'RFC 6455 §5.3');
  await says(page, 'payload', 'unmasked: "{"publish":"Hello"', 'RFC 6455 §5.2');
  const bits = await page.locator('#bits .group').evaluateAll((groups) =>
    groups.map((group) => [group.querySelector('.label').textContent, [...group.querySelectorAll('.bit')].map((bit) => bit.textContent).join('')]));
  equal(bits.slice(0, 6), [['FIN', '1'], ['RSV1', '0'], ['RSV2', '0'], ['RSV3', '0'], ['opcode', '0001'], ['MASK', '1']], 'the bits of the header');
  const [, second, ...key] = (await page.locator('.hex .run').allTextContents()).join(' ').split(' ');
  equal(bits[6][1], (parseInt(second, 16) & 0x7f).toString(2).padStart(7, '0'), 'the length');
  equal(bits[7], ['masking key', key.slice(0, 4).join('')], 'the key');
  const link = page.locator('#fields a').first();
  equal(await link.getAttribute('href'), 'https://www.rfc-editor.org/rfc/rfc6455#section-5.2', 'the section is linked');
  equal(await link.getAttribute('rel'), 'noreferrer', 'and is told nothing');
}

async function pauses(page) {
  const before = (await lines(page, 'sse')).length;
  await page.locator('#pause').click();
  await publish(base, 'wire', 'while paused');
  await until('what passes is counted', async () => {
    const text = await page.locator('#pause').textContent();
    return /^Resume \(\d+\)$/.test(text) || text;
  });
  equal((await lines(page, 'sse')).length, before, 'nothing moves');
  await page.locator('#pause').click();
  await until('it goes on with all', async () => (await lines(page, 'sse')).length === before + 1);
  await choose(page, 'sse', 'server', 'event stream: id, data');
  await says(page, 'data', 'while paused', 'WHATWG');
}

/** The octets are carried to the playground, and told there. */
async function plays(browser, page) {
  await choose(page, 'websocket', 'client', 'Text frame');
  const href = await page.locator('#play').getAttribute('href');
  const second = await open(browser, `${base}${href}`);
  await until('the playground tells the frame', async () => (await second.locator('main').innerText()).includes('masked, as a client must'));
  quiet(second, 'the playground');
  await second.context().close();
}

/** A link shows the same field of the same octets in another window. */
async function links(browser, page) {
  await choose(page, 'sse', 'server', 'event stream: id, data');
  await page.locator('#fields .field', { hasText: 'a line of data' }).click();
  const chosen = await lit(page);
  const url = page.url();
  const second = await open(browser, url);
  await until('the same octets are lit', async () => (await lit(second)) === chosen || lit(second));
  equal(await second.locator('#what').textContent(), await page.locator('#what').textContent(), 'of the same piece');
  equal(second.url(), url, 'under the same link');
  quiet(second, 'the second window');
  await second.context().close();
  const third = await open(browser, `${base}/wire#trace=${'0'.repeat(32)}&at=1.0`);
  await until('a trace that is not kept is told', async () => (await third.locator('#notice').textContent()).includes('no longer keeps'));
  await until('and another begins', async () => !third.url().includes('0'.repeat(32)));
  await third.context().close();
}

/** Presses Alt and the access key of an element, as a keyboard does: the driver leaves its text out. */
async function access(page, key) {
  const session = await page.context().newCDPSession(page);
  const code = key.toUpperCase().charCodeAt(0);
  const event = { modifiers: 1, key, text: key, unmodifiedText: key, windowsVirtualKeyCode: { '.': 190, ',': 188 }[key] ?? code };
  await session.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
  await session.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  await session.detach();
}

/** All of it without a mouse. */
async function keys(browser) {
  const page = await open(browser, `${base}/wire`);
  await page.locator('.lane').first().waitFor();
  const reached = [];
  for (let index = 0; index < 12; index += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => {
      const { id, textContent } = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return [id || textContent, outlineStyle !== 'none' && outlineWidth !== '0px'];
    }));
  }
  equal(reached.map(([name]) => name), ['open-all', 'pause', 'clear', 'link', 'large', 'text', 'by-post', 'Open', 'Open', 'Open', 'Open', 'follow'], 'the order of Tab');
  holds(reached.every(([, isSeen]) => isSeen), 'focus is seen');
  await access(page, '4');
  await until('a key opens a transport', async () => (await states(page)).websocket === 'open' || states(page));
  await access(page, 'm');
  await page.keyboard.type(' keys');
  await page.keyboard.press('Enter');
  await until('the message arrives', () => has(page, 'publish', 'server', '200 OK'));
  await until('as a frame', async () => (await lines(page, 'websocket')).length >= 3);
  await page.locator('.lane[data-transport="websocket"] .line').first().focus();
  await page.keyboard.press('End');
  const last = (await lines(page, 'websocket')).at(-1);
  holds(last.isCurrent, 'arrow keys choose');
  await until('the frame is shown', async () => (await page.locator('#what').textContent()) === last.words);
  await page.keyboard.press('ArrowUp');
  holds((await lines(page, 'websocket')).at(-2).isCurrent, 'one up');
  await access(page, '.');
  await until('a key goes on to the next', async () => (await lines(page, 'websocket')).at(-1).isCurrent);
  await page.locator('#fields .field').first().focus();
  await page.keyboard.press('ArrowDown');
  equal(await page.evaluate(() => document.activeElement.querySelector('.name').textContent), 'MASK, payload length', 'fields by arrow keys');
  equal((await lit(page)).length, 2, 'and their octets');
  await page.keyboard.press('Tab');
  equal(await page.evaluate(() => document.activeElement.textContent), 'RFC 6455 §5.2', 'then its section');
  await page.locator('.hex .run[tabindex="0"]').focus();
  await page.keyboard.press('Home');
  equal(await page.locator('#fields li.lit .name').allTextContents(), ['FIN, RSV, opcode'], 'octets by arrow keys');
  await access(page, 'p');
  equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true', 'a key pauses');
  await access(page, 'p');
  await access(page, 't');
  holds(await page.evaluate(() => document.body.classList.contains('large')), 'a key makes the type large');
  await access(page, 'x');
  equal((await lines(page, 'websocket')).length, 0, 'a key clears');
  quiet(page, 'by keys');
  await page.context().close();
}

/** What is on the page has names, for who does not see it. */
async function names(page) {
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, a, [role="group"], section')]
      .filter((element) => !(element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent).trim())
      .map((element) => element.outerHTML));
  equal(nameless, [], 'everything has a name');
}

async function looks(page) {
  const views = [
    ['frame', () => choose(page, 'websocket', 'client', 'Text frame')],
    ['event', () => choose(page, 'sse', 'server', 'event stream: id, data')],
    ['request', () => choose(page, 'short-poll', 'client', 'If-None-Match')],
  ];
  for (const [view, show] of views) {
    for (const [width, height] of [[1280, 800], [390, 844], [1920, 1080]]) {
      await page.setViewportSize({ width, height });
      await show();
      await page.locator('#fields .field').nth(1).click();
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await fits(page, `${view}-${width}-${colorScheme}`, width);
      }
      await page.locator('#large').click();
      await fits(page, `${view}-${width}-large`, width);
      await page.locator('#large').click();
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function fits(page, what, width) {
  await page.screenshot({ path: `${folder}/${what}.png`, fullPage: width < 800 });
  equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `${what}: no scrolling aside`);
  equal(await page.evaluate(contrasts), [], `${what}: contrast of at least 4.5`);
  equal(await page.evaluate(cutOff), [], `${what}: nothing is cut off`);
}

/** Words that do not fit and cannot be scrolled to. In the page. */
function cutOff() {
  return [...document.querySelectorAll('button:not(.line), .meaning, .name, .aside, .value, .label, h1, #where')]
    .filter((element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.textContent);
}

/** With `--trace=all` the connections of others are shown, and those of the page are not among them. */
async function others(browser) {
  const page = await open(browser, `${all}/wire`);
  await page.locator('.lane[data-transport="other"]').waitFor();
  await page.locator('.lane[data-transport="sse"] button').first().click();
  await until('the own stream is open', async () => (await states(page)).sse === 'open');
  await publish(all, 'wire', 'of somebody else');
  await choose(page, 'other', 'client', 'POST /channels/wire');
  const found = await lines(page, 'other');
  equal(found.filter(({ words }) => words.includes('text/event-stream')), [], 'the own stream is not there');
  quiet(page, 'the connections of others');
  await page.context().close();
}

const browser = await launch(executable);
try {
  const page = await open(browser, `${base}/wire`);
  await page.locator('.lane').first().waitFor();
  equal((await fields(page)).length, 0, 'nothing is traced before something is opened');
  await openAll(page);
  await page.locator('#by-post').click();
  await until('the request is seen', () => has(page, 'publish', 'client', 'POST /channels/wire'));
  await stream(page);
  await frames(page);
  await polls(page);
  await pauses(page);
  await links(browser, page);
  await plays(browser, page);
  await names(page);
  await looks(page);
  // What others send is not shown, though they are on the same channel.
  await publish(base, 'wire', 'of somebody else');
  await choose(page, 'sse', 'server', 'event stream: id, data');
  equal((await lines(page, 'publish')).filter(({ words }) => words.includes('POST')).length, 1, 'the own POST alone');
  await page.locator('#open-all').click();
  await until('the page closes its connections', async () => {
    const { subscribers } = await checks.info(base, 'wire');
    return (subscribers.sse === 0 && subscribers.websocket === 0 && subscribers.long_poll === 0) || subscribers;
  });
  await choose(page, 'websocket', 'client', 'Close frame');
  quiet(page, 'the page');
  await page.context().close();
  await keys(browser);
  await others(browser);
} finally {
  await browser.close();
}
console.log(`chromium by playwright-core ${checks.version}: the wire view, ${checks.count} checks`);
