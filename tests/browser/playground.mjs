// The playground in Chromium. Usage: playground.mjs CHROMIUM SERVER FOLDER
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import * as checks from './browser.mjs';
import { equal, holds, launch, open, quiet, until } from './browser.mjs';
import { contrasts } from './looks.mjs';

const [executable, base, folder] = process.argv.slice(2);
const PAGES = new URL('../../crates/cli/src/demo/pages/', import.meta.url);

const text = (page, selector) => page.locator(selector).textContent();
const rows = (page) => page.locator('.row').count();
const ready = (page) =>
  until('the codecs are loaded', async () => (await text(page, '#summary')).includes('octet') || text(page, '#summary'));
const example = (page, name) => page.locator(`[data-example="${name}"]`).click();

/** The octet that is marked: the digits of it. */
const faulty = (page) => page.locator('.octet.fault > span:first-child').allTextContents();

async function told(page) {
  equal(await text(page, '#summary'), '11 octets, read as WebSocket frames: whole.', 'it begins with a frame');
  equal(await rows(page), 4, 'a row a part');
  equal(await page.locator('.octet').count(), 11, 'each octet is drawn');
  equal(await text(page, '.row:last-child .meaning'), 'unmasked: "Hello"', 'in words');

  await example(page, 'two lengths: smuggling');
  holds((await text(page, '#summary')).endsWith('read as HTTP requests: broken.'), await text(page, '#summary'));
  const fault = await text(page, '.row.broken');
  for (const word of ['53', 'RFC 9112', 'answers 400']) holds(fault.includes(word), `${word}: ${fault}`);
  equal(await faulty(page), ['54'], 'the octet at which it breaks');

  await example(page, '9 exabytes announced');
  holds((await text(page, '.row.broken')).includes('Close 1009'), await text(page, '.row.broken'));
  await example(page, 'an event that is never dispatched');
  holds((await text(page, '#end')).startsWith('Here it ends, waiting for '), await text(page, '#end'));
  quiet(page, 'examples');
}

/** Both fields show the same octets, and what is no octet is told beside its field. */
async function typed(page) {
  await page.locator('#text').fill('data: 1\\n\\n');
  equal(await page.locator('#hex').inputValue(), '64 61 74 61 3a 20 31 0a 0a', 'text to hex');
  await page.locator('#hex').fill('64 61 74 61 3a 20 32 0a 0a # two');
  equal(await page.locator('#text').inputValue(), 'data: 2\\n\n\\n', 'hex to text');
  equal(await text(page, '.events li:has(b) >> nth=0'), 'event message: "2"', 'and told');
  await page.locator('#hex').fill('64 6');
  equal(await text(page, '#hex-wrong'), 'the last pair lacks a digit', 'half an octet');
  equal(await page.locator('#hex').getAttribute('aria-invalid'), 'true', 'is told to all');
  equal(await page.locator('#text').inputValue(), 'data: 2\\n\n\\n', 'and changes nothing');
  await page.locator('#text').fill('a\\q');
  equal(await text(page, '#text-wrong'), '\\q is no escape', 'an escape that is none');
  await page.locator('#text').fill('');
  equal(await text(page, '#summary'), 'No octet yet.', 'nothing');
  equal(await rows(page), 0, 'has no part');
  await page.locator('#text').pressSequentially('id: 7');
  await page.keyboard.press('Enter');
  equal(await page.locator('#text').inputValue(), 'id: 7\\n\n', 'Enter ends a line of octets');

  const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
  await page.locator('#text').fill(`data: ${evil}\\n\\n`);
  holds((await text(page, '#parts')).includes(evil), 'markup is text');
  equal(await page.locator('main img, main script').count(), 0, 'no element came of it');

  const start = Date.now();
  await page.locator('#text').fill(`data: ${'x'.repeat(70_000)}\\n\\n`);
  holds((await text(page, '#summary')).startsWith('16,384 octets'), await text(page, '#summary'));
  equal(await page.locator('.octet').count(), 2048, 'so many are drawn');
  holds(Date.now() - start < 5000, `and that took ${Date.now() - start} ms`);
  quiet(page, 'typing');
}

/** An event comes before the cut or behind it, and is the same. */
async function cut(page) {
  await example(page, 'an event of two lines');
  const len = await page.locator('#cut').getAttribute('max');
  const names = async (list) => (await page.locator(`${list} li b`).allTextContents()).join();
  await page.locator('#cut').fill(len);
  equal([await names('#before'), await names('#behind')], ['retry,event', ''], 'all is in the first piece');
  await page.locator('#cut').fill('0');
  equal([await names('#before'), await names('#behind')], ['', 'retry,event'], 'all is in the second');
  await page.locator('#cut').fill('12');
  equal([await names('#before'), await names('#behind')], ['retry', 'event'], 'one in each');
  equal(await page.locator('.octet.cut').count(), 1, 'the cut is marked');
  await page.locator('#cut').focus();
  await page.keyboard.press('ArrowLeft');
  equal(await text(page, '#cut-at'), `11 octets, then ${len - 11}`, 'arrow keys move the cut');
  equal([await names('#before'), await names('#behind')], ['', 'retry,event'], 'an octet sooner it is not known');
  holds((await text(page, '#cut-awaits')).includes('the end of a line'), await text(page, '#cut-awaits'));
  holds((await text(page, '#same')).endsWith('the same events.'), await text(page, '#same'));
}

/** All of it stands in the link. */
async function linked(page) {
  await page.locator('label:has(#as-requests)').click();
  await until('the link follows', () => page.url().includes('as=requests&cut=11&'));
  const before = [await page.locator('#hex').inputValue(), await text(page, '#parts'), await text(page, '#before')];
  await page.reload();
  await ready(page);
  const after = [await page.locator('#hex').inputValue(), await text(page, '#parts'), await text(page, '#before')];
  equal(after, before, 'a link brings back what was seen');
  equal(await page.locator('#as-requests').isChecked(), true, 'and how it was read');
  await page.evaluate(() => { window.location.hash = '#octets=%%%'; });
  await page.evaluate(() => { window.location.hash = '#as=toaster&cut=-3&octets=gQBI'; });
  await until('another link is followed', async () => (await page.locator('#hex').inputValue()) === '81 00 48');
  quiet(page, 'links');
}

/** From the top to the slider and back by keys alone, the focus always seen. */
async function keys(page) {
  await page.goto(`${base}/playground`);
  await ready(page);
  const focus = () => page.evaluate(() => {
    const active = document.activeElement;
    const ring = active.type === 'radio' ? active.nextElementSibling : active;
    const { outlineStyle, outlineWidth } = getComputedStyle(ring);
    return [active.dataset.example ?? (active.id || active.className || active.tagName), outlineStyle !== 'none' && outlineWidth !== '0px'];
  });
  const reached = [];
  for (let turn = 0; turn < 60; turn += 1) {
    await page.keyboard.press('Tab');
    const [name, isSeen] = await focus();
    holds(isSeen, `${name}: focus is seen`);
    reached.push(name);
    if (name === 'a ping between fragments') await page.keyboard.press('Enter');
    if (name === 'cut') break;
  }
  const tail = reached.slice(-6);
  tail[4] = tail[4].split(' ')[0];
  equal(tail, ['as-websocket', 'text', 'hex', 'permalink', 'row', 'cut'], 'the order of Tab');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('End');
  equal(await text(page, '.row[aria-selected="true"] .meaning'), '"lo"', 'arrow keys go through the parts');
  await page.keyboard.press('ArrowUp');
  equal(await text(page, '.row:focus b'), 'MASK, payload length', 'one by one');
  equal(await page.locator('.part.chosen').count(), 1, 'and the octets of the part are lit');
  quiet(page, 'keys');
}

async function looks(page) {
  for (const name of ['two lengths: smuggling', 'an upgrade, and a frame']) {
    await example(page, name);
    await page.locator('.row').first().click();
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const what = `${name.replace(/\W+/g, '-')}-${width}-${colorScheme}`;
        if (width === 390 || colorScheme === 'light') await page.screenshot({ path: `${folder}/${what}.png`, fullPage: true });
        equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `${what}: no scrolling aside`);
        equal(await page.evaluate(contrasts), [], `${what}: contrast of at least 4.5`);
      }
    }
  }
  quiet(page, 'looks');
}

/** From any host that has the files, in any folder: no answer of the server is needed, nor a policy of its own. */
async function elsewhere(browser) {
  const types = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
  const host = createServer(({ url }, answer) => {
    const name = url.replace(/^\/a\/folder\/(demo\/)?/, '');
    try {
      const content = readFileSync(new URL(name, PAGES));
      answer.setHeader('Content-Type', types[name.split('.').pop()] ?? 'application/octet-stream');
      answer.end(content);
    } catch {
      answer.statusCode = 404;
      answer.end();
    }
  });
  await new Promise((resolve) => host.listen(0, '127.0.0.1', resolve));
  const page = await open(browser, `http://127.0.0.1:${host.address().port}/a/folder/playground.html`);
  await ready(page);
  equal(await rows(page), 4, 'a static host is enough');
  quiet(page, 'a static host');
  await page.context().close();
  host.close();
}

const browser = await launch(executable);
try {
  const page = await open(browser, `${base}/playground`);
  await ready(page);
  await told(page);
  await typed(page);
  await cut(page);
  await linked(page);
  await keys(page);
  await looks(page);
  await elsewhere(browser);
  console.log(`chromium ${browser.version()}: ${checks.count} checks of the playground`);
} finally {
  await browser.close();
}
