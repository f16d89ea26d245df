// `Tidings` of tidings.js in Chromium: it finds the transport that gets through, and nothing is lost on the way.
// Usage: tidings.mjs CHROMIUM SERVER SERVER_WITH_A_SHORT_HISTORY [DOORS], where DOORS are nginx's, as JSON.
import { randomBytes } from 'node:crypto';
import * as checks from './browser.mjs';
import { equal, holds, info, launch, open, publish, quiet, until } from './browser.mjs';
import { relay } from './relay.mjs';

const [executable, base, short, doors] = process.argv.slice(2);

/** Runs in the page: makes a `Tidings` whose events are kept. */
async function begin({ channels, options, start }) {
  const { Tidings } = await import('/tidings.js');
  const tidings = new Tidings('/', options);
  const told = { transports: [], messages: {}, states: {}, gaps: [], errors: [], ways: {} };
  window.tidings = tidings;
  window.told = told;
  tidings.addEventListener('transport', ({ detail }) =>
    told.transports.push([detail.previous, detail.transport, detail.reason]));
  window.read = (name, from) => {
    const channel = tidings.channel(name, from);
    told.messages[name] = [];
    told.states[name] = [];
    told.ways[name] = [];
    channel.addEventListener('message', ({ detail }) => {
      const { data } = detail;
      if (detail.channel !== name || detail.position !== channel.position) told.errors.push(['position', detail]);
      told.messages[name].push([typeof data === 'string' ? data : [...data], detail.event]);
    });
    channel.addEventListener('gap', ({ detail }) => told.gaps.push([name, detail.gap]));
    channel.addEventListener('state', ({ detail }) => told.states[name].push(detail.state));
    channel.addEventListener('transport', ({ detail }) => told.ways[name].push([detail.transport, detail.reason]));
    channel.addEventListener('error', ({ detail }) => told.errors.push([name, detail.reason, detail.status]));
  };
  for (const name of channels) window.read(name, start);
}

/** A page that reads these channels, and is open. */
async function reading(browser, url, channels, options = {}, start = { from: 'earliest' }) {
  // A document of the same origin that runs nothing.
  const page = await open(browser, `${url}/tidings.d.ts`);
  await page.evaluate(begin, { channels, options, start });
  return page;
}

const told = (page) => page.evaluate(() => window.told);
const states = (page) => page.evaluate(() => window.tidings.channels.map(({ name, state, transport }) => [name, state, transport]));

async function opened(page, what) {
  await until(`${what}: open`, async () => {
    const all = await states(page);
    return all.every(([, state]) => state === 'open') || [all, await told(page)];
  }, 15_000);
}

/** Publishes beside what is under way, and gives what must arrive. */
async function feed(channel, count, pause = 0) {
  const want = [];
  for (let number = 0; number < count; number += 1) {
    want.push([`${channel} ${number}`, null]);
    await publish(base, channel, `${channel} ${number}`);
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return want;
}

async function arrived(page, channel, want, what) {
  await until(`${what}: everything arrives`, async () => {
    const got = (await told(page)).messages[channel];
    return got.length >= want.length || `${got.length} of ${want.length}`;
  }, 15_000);
  const { messages, gaps, errors } = await told(page);
  equal(messages[channel], want, `${what}: each message, once and in order`);
  equal([gaps, errors], [[], []], `${what}: no gap, no error`);
}

async function end(page, what, wasCut = true) {
  await page.evaluate(() => window.tidings.close());
  // The icon of a document that names none, and what a proxy answers to a poll that it cuts.
  page.complaints = page.complaints.filter((text) => !/status of (404|504)/.test(text));
  quiet(page, `${what}: no word in the console`, wasCut);
  await page.context().close();
}

const sum = (all, pick) => all.reduce((before, one) => before + pick(one), 0);
const infos = (channels) => Promise.all(channels.map((channel) => info(base, channel)));

async function manyChannelsShareASocket(browser) {
  const what = 'many channels';
  const { base: door, upgrades } = await relay(base);
  const channels = Array.from({ length: 12 }, (_, index) => `many-${index}`);
  const page = await reading(browser, door, channels);
  await opened(page, what);
  const wants = await Promise.all(channels.map((channel) => feed(channel, 5)));
  await publish(base, channels[3], Buffer.from([0, 255]), '?event=octets');
  wants[3].push([[0, 255], 'octets']);
  for (const [index, channel] of channels.entries()) await arrived(page, channel, wants[index], what);
  equal((await told(page)).transports, [[null, 'websocket', 'the first choice']], what);
  equal(upgrades.size, 1, `${what}: one socket`);
  const all = await infos(channels);
  equal(sum(all, ({ wire }) => wire.websocket.requests), 1, `${what}: one handshake at the server`);
  equal(sum(all, ({ subscribers }) => subscribers.websocket), 12, `${what}: 12 readers on it`);

  // One that shares leaves; then the one whose URL the socket has, and the others go on.
  await page.evaluate(() => window.tidings.channel('many-1').close());
  await until(`${what}: a channel is left`, async () => (await info(base, 'many-1')).subscribers.websocket === 0);
  equal(upgrades.size, 1, `${what}: the socket stays`);
  await page.evaluate(() => window.tidings.channel('many-0').close());
  const more = await feed('many-2', 3);
  await arrived(page, 'many-2', [...wants[2], ...more], `${what}, after the first left`);
  equal(upgrades.size, 1, `${what}: one socket again`);
  // It is taken up again under the same name, where it was told to begin.
  await page.evaluate(() => window.read('many-1', { from: '-2' }));
  await arrived(page, 'many-1', wants[1].slice(-2), `${what}: read again`);

  // Left and taken up again in one breath, while messages are under way: nothing of the one before comes late.
  const feeding = feed('many-5', 200);
  const parts = await page.evaluate(async () => {
    const all = [];
    for (let turn = 0; turn < 20; turn += 1) {
      window.tidings.channel('many-5').close();
      window.read('many-5', { from: 'earliest' });
      await new Promise((resolve) => setTimeout(resolve, 40));
      all.push(window.told.messages['many-5']);
    }
    return all;
  });
  const whole = [...wants[5], ...(await feeding)];
  for (const part of parts) equal(part, whole.slice(0, part.length), `${what}: from the earliest, in order`);
  await arrived(page, 'many-5', whole, `${what}: read again and again`);

  await page.evaluate(() => window.tidings.close());
  await until(`${what}: close frees the connection`, async () => {
    const left = sum(await infos(channels), ({ subscribers }) => subscribers.websocket);
    return (left === 0 && upgrades.size === 0) || [left, upgrades.size];
  });
  await feed('many-2', 1);
  equal((await told(page)).messages['many-2'].length, 8, `${what}: nothing is handed out after close`);
  await end(page, what, false);
}

async function streamsAreFewAfterFallback(browser) {
  const what = 'a refused upgrade';
  const { base: door, rules } = await relay(base, { keepsOut: true });
  const channels = Array.from({ length: 6 }, (_, index) => `few-${index}`);
  const page = await reading(browser, door, channels, { interval: 100, upgradeAfter: 3000 });
  await until(`${what}: event streams`, async () => {
    const { transports } = await told(page);
    return transports.at(-1)[1] === 'sse' || transports;
  });
  await opened(page, what);
  const { transports, ways } = await told(page);
  equal(transports[1], ['websocket', 'sse', 'the WebSocket did not open, though the server answers'], what);
  const ends = channels.map((channel) => ways[channel].at(-1));
  equal(ends.map(([way]) => way), ['sse', 'sse', 'sse', 'sse', 'short-poll', 'short-poll'], `${what}: four streams`);
  equal(ends[3][1], null, `${what}: a stream needs no reason`);
  holds(ends[4][1].startsWith('a browser has six connections'), `${what}: ${ends[4][1]}`);
  equal(sum(await infos(channels), ({ subscribers }) => subscribers.sse), 4, `${what}: four streams at the server`);
  const wants = await Promise.all(channels.map((channel) => feed(channel, 5)));
  for (const [index, channel] of channels.entries()) await arrived(page, channel, wants[index], what);

  // A place that is free is taken.
  await page.evaluate(() => window.tidings.channel('few-0').close());
  await until(`${what}: a further channel gets the place`, async () => {
    const all = (await states(page)).filter(([, state, way]) => way === 'sse' && state === 'open');
    return all.length === 4 || all;
  });

  // The way is free: all go back to it, each at its position.
  rules.keepsOut = false;
  const feeding = Promise.all(channels.map((channel) => feed(channel, 40, 50)));
  await until(`${what}: back to WebSocket`, async () => {
    const all = (await told(page)).transports;
    return all.at(-1)[1] === 'websocket' || all;
  }, 12_000);
  for (const [index, more] of (await feeding).entries()) {
    if (index > 0) await arrived(page, channels[index], [...wants[index], ...more], `${what}, at the switch back`);
  }
  await until(`${what}: the streams are gone`, async () => {
    const all = await infos(channels);
    const [streams, sockets] = ['sse', 'websocket'].map((name) => sum(all, ({ subscribers }) => subscribers[name]));
    return (streams === 0 && sockets === 5) || [streams, sockets];
  });
  await end(page, what);
}

async function aSocketThatIsCutAgainAndAgainIsLeft(browser) {
  const what = 'a socket that is cut';
  // Long enough for a socket to open on a machine that is busy: before that it is no cut.
  const { base: door } = await relay(base, { cutAfter: 1500 });
  const page = await reading(browser, door, ['cut-1', 'cut-2'], { cuts: 2 });
  const feeding = Promise.all([feed('cut-1', 50, 100), feed('cut-2', 50, 100)]);
  await until(`${what}: event streams`, async () => {
    const { transports } = await told(page);
    return transports.at(-1)[1] === 'sse' || transports;
  }, 20_000);
  const [one, two] = await feeding;
  await arrived(page, 'cut-1', one, what);
  await arrived(page, 'cut-2', two, what);
  equal((await told(page)).transports.at(-1)[2], 'it was cut 2 times within seconds', what);
  await end(page, what);
}

async function aGapIsTold(browser) {
  const what = 'a gap';
  const page = await reading(browser, short, ['gone'], {}, { after: '0123456789abcdef.7' });
  await publish(short, 'kept', 'first');
  const ids = [];
  for (let number = 0; number < 9; number += 1) ids.push(await publish(short, 'kept', `kept ${number}`));
  await page.evaluate((after) => window.read('kept', { after }), ids[0]);
  await until(`${what}: both are told`, async () => (await told(page)).gaps.length === 2 || told(page));
  const { gaps } = await told(page);
  const of = (name) => gaps.find(([channel]) => channel === name)[1];
  equal([of('gone').reason, of('gone').asked, of('gone').first], ['epoch', '0123456789abcdef.7', null], what);
  equal([of('kept').reason, of('kept').first, of('kept').last], ['trimmed', 3, 5], what);
  await until(`${what}: what is kept follows`, async () => {
    const { kept } = (await told(page)).messages;
    return kept.map(([data]) => data).join() === 'kept 4,kept 5,kept 6,kept 7,kept 8' || kept;
  });
  await end(page, what, false);
}

async function whatCannotBeReadIsAnError(browser) {
  const what = 'an error';
  const page = await reading(browser, base, ['good', '..', 'other']);
  await until(`${what}: it is told`, async () => (await told(page)).errors.length === 1 || told(page));
  const { errors, states: seen } = await told(page);
  equal(errors[0][0], '..', what);
  equal(seen['..'].at(-1), 'closed', what);
  const want = await feed('other', 2);
  await until(`${what}: the others read on`, async () => (await told(page)).messages.other.length === 2);
  equal((await told(page)).messages.other, want, what);
  await end(page, what);
}

async function aServerThatIsAwayIsWaitedFor(browser) {
  const what = 'a server that is away';
  const { base: door, rules, leave } = await relay(base);
  const page = await reading(browser, door, ['away']);
  await opened(page, what);
  leave();
  await until(`${what}: it waits`, async () => (await states(page))[0][1] === 'waiting' || states(page));
  const want = await feed('away', 5);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  rules.isAway = false;
  await arrived(page, 'away', want, what);
  equal((await told(page)).transports.length, 1, `${what}: the transport is not to blame`);
  await end(page, what);
}

async function aStreamThatFallsSilentIsLeft(browser) {
  const what = 'a stream that falls silent';
  const { base: door } = await relay(base, { keepsOut: true, holdAfter: 1000 });
  const page = await reading(browser, door, ['mute'], { maxSilence: 1000 });
  // More than passes: the last ones come by another way.
  const want = await feed('mute', 30, 60);
  await arrived(page, 'mute', want, what);
  const { transports } = await told(page);
  equal(transports.map(([, name]) => name), ['websocket', 'sse', 'long-poll'], what);
  equal(transports[2][2], 'the server was silent for too long, though the server answers', what);
  await end(page, what);
}

/** After two cuts a WebSocket says something before the silence is as long; after each a long poll asks for less. */
async function silenceThatIsCutIsKeptShort(browser) {
  const what = 'silence that is cut';
  const { base: door, made } = await relay(base, { cutSilence: 3000 });
  const [socket, poll] = await Promise.all([
    reading(browser, door, ['hush']),
    reading(browser, door, ['hush-poll'], { transports: ['long-poll'] }),
  ]);
  const times = async (page, channel, state) => (await told(page)).states[channel].filter((one) => one === state).length;
  await until(`${what}: the third socket`, async () => made.upgrades === 3 || made.upgrades, 20_000);
  // The browser itself asks again once, so a poll sees every second cut.
  await until(`${what}: short waits`, async () => {
    const wait = await poll.evaluate(() => window.tidings.channels[0].reader.wait);
    return wait < 3 || wait;
  }, 30_000);
  await opened(socket, what);
  await opened(poll, what);
  const before = await times(poll, 'hush-poll', 'waiting');
  await new Promise((resolve) => setTimeout(resolve, 4500));
  equal(made.upgrades, 3, `${what}: it is not cut again`);
  equal((await told(socket)).transports.length, 1, `${what}: it stays a WebSocket`);
  equal(await times(poll, 'hush-poll', 'waiting'), before, `${what}: shorter waits are not cut`);
  await arrived(socket, 'hush', await feed('hush', 5), what);
  await arrived(poll, 'hush-poll', await feed('hush-poll', 5), what);
  await Promise.all([end(socket, what), end(poll, what)]);
}

/** Of the length of what a proxy holds back, and not to be compressed. */
async function backlog(channel, count) {
  const want = [];
  for (let number = 0; number < count; number += 1) {
    want.push([randomBytes(150).toString('hex'), null]);
    await publish(base, channel, want.at(-1)[0]);
  }
  return want;
}

/** The doors of nginx. */
async function behindNginx(browser, { plain, buffering, impatient }) {
  const options = { patience: 1500, upgradeAfter: 60_000 };
  const way = async (what, door, wanted, count, pause, channel) => {
    const kept = await backlog(channel, 60);
    const page = await reading(browser, door, [channel], options);
    const want = [...kept, ...(await feed(channel, count, pause))];
    await arrived(page, channel, want, what);
    const last = (await states(page))[0];
    equal(last[2], wanted, `${what}: ${JSON.stringify((await told(page)).transports)}`);
    return { page, want };
  };
  await Promise.all([
    way('no Upgrade, gzip', plain, 'sse', 60, 20, 'stripped').then(({ page }) => end(page, 'no Upgrade')),
    way('a held stream', buffering, 'long-poll', 60, 60, 'held-back').then(async ({ page }) => {
      const { transports } = await told(page);
      equal(transports.slice(1).map(([, name]) => name), ['long-poll'], 'a held stream');
      const why = 'the WebSocket did not open, though the server answers; sse: no event came in time';
      equal(transports[1][2], why, 'a held stream');
      await end(page, 'a held stream');
    }),
    way('silence is cut', impatient, 'websocket', 5, 0, 'silent').then(async ({ page, want }) => {
      await until('silence is cut', async () => (await told(page)).states.silent.includes('waiting'), 9000);
      const more = await feed('silent', 20, 20);
      await arrived(page, 'silent', [...want, ...more], 'after silence was cut');
      await end(page, 'silence is cut');
    }),
  ]);
}

const browser = await launch(executable);
try {
  await Promise.all([
    manyChannelsShareASocket(browser),
    streamsAreFewAfterFallback(browser),
    aSocketThatIsCutAgainAndAgainIsLeft(browser),
    aGapIsTold(browser),
    whatCannotBeReadIsAnError(browser),
    aServerThatIsAwayIsWaitedFor(browser),
    aStreamThatFallsSilentIsLeft(browser),
    silenceThatIsCutIsKeptShort(browser),
    doors ? behindNginx(browser, JSON.parse(doors)) : null,
  ]);
} finally {
  await browser.close();
}
console.log(`chromium by playwright-core ${checks.version}: tidings.js, ${checks.count} checks`);
