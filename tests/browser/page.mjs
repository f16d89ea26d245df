// The demo page in Chromium. Usage: page.mjs CHROMIUM SERVER SERVER_WITH_A_SHORT_HISTORY FOLDER
import * as checks from './browser.mjs';
import { TRANSPORTS, equal, holds, info, launch, open, panels, publish, quiet, settled, tab, until } from './browser.mjs';
import { looks } from './looks.mjs';
import { readers } from './readers.mjs';

const [executable, base, short, folder] = process.argv.slice(2);
const number = (text) => Number(text.replaceAll(',', ''));

/** Four panels receive, and the chat goes both ways between two tabs. */
async function natural(browser) {
  const page = await open(browser, `${base}/`);
  equal(await page.locator('[data-transport]').count(), 4, 'four panels');
  await until('each panel receives', async () => {
    const all = await panels(page);
    return TRANSPORTS.every((name) => number(all[name].received) > 0 && all[name].state === 'open') || all;
  }, 12_000);

  const second = await tab(page, `${base}/`);
  await until('the second tab is connected', async () => {
    const all = await panels(second);
    return TRANSPORTS.every((name) => all[name].state === 'open') || all;
  });
  await say(page, 'from the first tab');
  await until('the second tab hears the first', () => hears(second, 'from the first tab'));
  await say(second, 'from the second tab');
  await until('the first tab hears the second', () => hears(page, 'from the second tab'));
  equal(await page.locator('.messages li[data-mine]').count(), 1, 'own words are told from those of others');
  await markup(page, second);
  // Held connections of two tabs are under the browser's six, so others still get through.
  for (const one of [page, second]) {
    const took = await one.evaluate(async () => {
      const start = performance.now();
      await fetch('/demo/clock', { cache: 'no-store' });
      return performance.now() - start;
    });
    holds(took < 2000, `a request beside two open tabs took ${took} ms`);
  }
  await placesAreTwo(page, second);
  quiet(page, 'the first tab');
  quiet(second, 'the second tab');
  return page;
}

/** A third window waits, and says so, until one of two others is closed. */
async function placesAreTwo(page, second) {
  const third = await tab(page, `${base}/`);
  await until('the third tab says that it waits', () => third.locator('#waiting').isVisible());
  equal((await panels(third)).sse.state, 'paused', 'it holds nothing');
  await second.close();
  await until('then it has its place', async () => (await panels(third)).sse.state === 'open');
  equal(await third.locator('#waiting').isVisible(), false, 'and waits no more');
  quiet(third, 'the third tab');
  await third.close();
}

async function say(page, text) {
  await page.locator('.composer input').fill(text);
  await page.locator('.composer input').press('Enter');
}

function hears(page, text) {
  return page.evaluate((wanted) => [...document.querySelectorAll('.said')].some((said) => said.textContent === wanted), text);
}

/** Data with markup in it is shown as text, by every transport. */
async function markup(page, second) {
  const evil = '<img src=x onerror="alert(1)"><b>bold</b><script>alert(2)</script>';
  await say(page, evil);
  await until('markup in a chat is text', () => hears(second, evil));
  const shown = { 'demo-notifications': '.notices', 'demo-prices': '.ticker + .note', 'demo-scores': '.dashboard .note' };
  for (const [channel, place] of Object.entries(shown)) {
    await publish(base, channel, evil);
    await until(`markup on ${channel} is text`, () =>
      page.evaluate(([selector, text]) => document.querySelector(selector).textContent.includes(text), [place, evil]));
  }
  equal(await page.locator('[data-transport] img, [data-transport] script').count(), 0, 'no element came of it');
}

/** Notes what each panel says at the moment when its connection is lost. In the page. */
function keepWhatIsSaidOfACut() {
  window.away = {};
  for (const panel of document.querySelectorAll('[data-transport]')) {
    const link = panel.querySelector('.link');
    const note = () => {
      if (link.dataset.state !== 'waiting') return;
      window.away[panel.dataset.transport] ??= {
        words: panel.querySelector('.link-words').textContent,
        offset: Number(panel.querySelector('.link-position').title.split('.')[1]),
        height: Math.round(panel.getBoundingClientRect().height),
      };
    };
    new MutationObserver(note).observe(link, { attributeFilter: ['data-state'] });
  }
}

/** Presses Cut on all four and sees each come back, with every message in between. */
async function cuts(page, channels, between) {
  const before = await settled(page);
  await page.evaluate(keepWhatIsSaidOfACut);
  for (const name of TRANSPORTS) await page.locator(`[data-transport="${name}"] .cut`).click();
  const told = new Set();
  await until('each transport is cut and says so', async () => {
    const seen = await page.evaluate(() => window.away);
    for (const name of Object.keys(seen)) {
      if (told.has(name)) continue;
      told.add(name);
      if (channels[name]) await between(channels[name]);
    }
    return told.size === TRANSPORTS.length || panels(page);
  });
  const away = await page.evaluate(() => window.away);
  for (const name of TRANSPORTS) {
    holds(away[name].words.startsWith('cut by the server'), `${name}: ${away[name].words}`);
    equal(away[name].height, before[name].height, `${name}: the panel keeps its size`);
  }
  const back = {};
  await until('each transport is back', async () => {
    const all = await panels(page);
    for (const name of TRANSPORTS) {
      if (['whole', 'gap', 'broken'].includes(all[name].kind)) back[name] ??= all[name];
    }
    return TRANSPORTS.every((name) => back[name]) || all;
  }, 20_000);
  return { before, away, back };
}

/** The offsets passed since `before` are as many as the messages received. */
async function complete(page, before) {
  await until('the sequence is complete', async () => {
    const all = await panels(page);
    return TRANSPORTS.every((name) =>
      all[name].offset - before[name].offset === number(all[name].received) - number(before[name].received)
      && all[name].lost === '0') || all;
  });
}

async function nothingIsLost(page) {
  // From here on only the generator and these publish, so that the books start even.
  const { before, back } = await cuts(page, { websocket: 'demo-chat', sse: 'demo-prices' }, async (channel) => {
    for (let index = 1; index <= 5; index += 1) await publish(base, channel, JSON.stringify({ from: 'test', text: `while away ${index}` }));
  });
  for (const name of TRANSPORTS) holds(/^back after .* nothing lost$/.test(back[name].outcome), `${name}: ${back[name].outcome}`);
  await complete(page, before);
  const said = await page.locator('.said').allTextContents();
  equal(said.filter((text) => text.startsWith('while away')), [1, 2, 3, 4, 5].map((index) => `while away ${index}`), 'in order, once each');
  quiet(page, 'after cuts', true);
}

/** With a short history a cut ends in a gap, which names what was lost. */
async function aGapIsTold(browser) {
  const page = await open(browser, `${short}/`);
  await until('each panel receives', async () => {
    const all = await panels(page);
    return TRANSPORTS.every((name) => number(all[name].received) > 0) || all;
  }, 12_000);
  // A cut of this many seconds, so that all is published before anybody is back.
  await page.evaluate(() => document.querySelector('input[name="cut"]:checked').value = '6');
  const channels = { 'short-poll': 'demo-scores', 'long-poll': 'demo-notifications', websocket: 'demo-chat', sse: 'demo-prices' };
  const { away, back } = await cuts(page, channels, async (channel) => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => publish(short, channel, `filler ${index}`)));
  });
  for (const name of TRANSPORTS) {
    const told = /^gap: messages (\d+) to (\d+) lost \(trimmed\)/.exec(back[name].outcome);
    holds(told !== null, `${name}: ${back[name].outcome}`);
    const [first, last] = [Number(told[1]), Number(told[2])];
    equal(first, away[name].offset + 1, `${name}: the gap begins behind the position`);
    holds(last >= first + 6, `${name}: 12 or more were published and 5 are kept: ${back[name].outcome}`);
    equal(number(back[name].lost), last - first + 1, `${name}: what was lost is counted`);
  }
  equal(await page.locator('#history').textContent(), '5 messages', 'what a channel keeps');
  quiet(page, 'after gaps', true);
  await page.screenshot({ path: `${folder}/gap.png`, fullPage: true });
  await page.context().close();
}

/** All four read the same messages; the figures tell them apart; only the view that is seen is live. */
async function compared(page) {
  await page.locator('#tab-natural').focus();
  await page.keyboard.press('ArrowRight');
  equal(await page.evaluate(() => document.activeElement.id), 'tab-compare', 'arrow keys move between tabs');
  await until('the other view let go', async () => {
    const { subscribers } = await info(base, 'demo-prices');
    return subscribers.sse === 0 || subscribers;
  });
  await until('each card has its figures', async () => {
    const all = await panels(page);
    return TRANSPORTS.every((name) => number(all[name].received) >= 6 && number(all[name].octets) > 0 && all[name].median !== '–') || all;
  }, 15_000);
  const start = await panels(page);
  // Between an answer and the next request a long poll holds nothing either.
  await until('connections held', async () => {
    const all = await panels(page);
    return TRANSPORTS.map((name) => all[name].held).join() === '0,1,1,1' || all;
  });
  holds(number(start['long-poll'].octets) > 5 * number(start.sse.octets), 'headers a message cost more than fields');
  holds(millis(start['short-poll'].median) > 5 * millis(start.sse.median), 'the interval is what a short poll waits');
  holds(number(start['long-poll'].requests) >= number(start['long-poll'].received), 'a request a message');
  equal([start.websocket.requests, start.sse.requests], ['1', '1'], 'one request for all messages');

  const { before, back } = await cuts(page, {}, () => {});
  for (const name of TRANSPORTS) holds(back[name].outcome.endsWith('nothing lost'), `${name}: ${back[name].outcome}`);
  await complete(page, before);
  await until('all four have received the same', async () => {
    const all = Object.values(await panels(page));
    return all.every(({ received, offset }) => received === all[0].received && offset === all[0].offset) || all;
  });

  const slow = (await panels(page))['short-poll'];
  await page.locator('#interval').focus();
  await page.keyboard.press('Home');
  await until('a shorter interval is quicker, and more of it is waste', async () => {
    const fast = (await panels(page))['short-poll'];
    return (millis(fast.median) < 400 && number(fast.empty) >= number(slow.empty) + 6 && number(fast.octets) > 600) || fast;
  });
  quiet(page, 'the comparison', true);
}

function millis(text) {
  const [value, unit] = text.replace('< ', '').split(' ');
  return unit === 's' ? Number(value) * 1000 : Number(value);
}

/** A tab that is not seen holds no connection, and goes on at its position when it is seen again. */
async function hidden(page) {
  await page.locator('#tab-natural').click();
  await until('the view is connected again', async () => {
    const all = await panels(page);
    return TRANSPORTS.every((name) => all[name].state === 'open') || all;
  });
  const before = await settled(page);
  const hide = (hide) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hide);
  await hide(true);
  await until('a hidden tab holds nothing', async () => {
    const [prices, chat, notices] = await Promise.all(['demo-prices', 'demo-chat', 'demo-notifications'].map((name) => info(base, name)));
    const held = [prices.subscribers.sse, chat.subscribers.websocket, notices.subscribers.long_poll];
    return held.every((one) => one === 0) || held;
  });
  equal((await panels(page)).sse.state, 'paused', 'it says so');
  await publish(base, 'demo-chat', JSON.stringify({ from: 'test', text: 'while hidden' }));
  await hide(false);
  await until('it goes on where it was', () => hears(page, 'while hidden'));
  await complete(page, before);
}

const browser = await launch(executable);
try {
  // Waits for the network alone, so it runs beside the rest.
  const gap = aGapIsTold(browser);
  const page = await natural(browser);
  await nothingIsLost(page);
  await gap;
  await compared(page);
  await hidden(page);
  await page.context().close();
  await readers(browser, base);
  await looks(browser, base, folder);
} finally {
  await browser.close();
}
console.log(`chromium by playwright-core ${checks.version}: the page, ${checks.count} checks`);
