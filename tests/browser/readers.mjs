// The readers of tidings.js by themselves: all four hand out the same.
import { equal, open, publish, quiet } from './browser.mjs';

export async function readers(browser, base) {
  // A page of the same origin that runs nothing of its own.
  const page = await open(browser, `${base}/demo/icon.svg`);
  const start = await publish(base, 'readers', 'first');
  await publish(base, 'readers', 'héllo\nworld', '?event=greeting');
  await publish(base, 'readers', Buffer.from([0, 255]));
  await publish(base, 'readers', '');
  const read = await page.evaluate(async (after) => {
    const tidings = await import('/tidings.js');
    const all = {};
    for (const name of ['ShortPollReader', 'LongPollReader', 'SseReader', 'WebSocketReader']) {
      const reader = new tidings[name]('/channels/readers', { after, interval: 50 });
      const seen = [];
      reader.addEventListener('message', ({ detail: { data, event, position } }) =>
        seen.push([data instanceof Uint8Array ? [...data] : data, event, position === reader.position]));
      const whole = new Promise((resolve) => {
        reader.addEventListener('message', () => seen.length === 3 && resolve());
      });
      await whole;
      const states = [reader.state];
      reader.addEventListener('close', ({ detail }) => states.push(detail.reason));
      reader.close();
      await tidings.publish('/channels/readers-after', 'x');
      all[name] = { seen, states: [...states, reader.state], isPosition: /^[0-9a-f]{16}\.4$/.test(reader.position) };
    }
    return all;
  }, start);
  const want = {
    seen: [['héllo\nworld', 'greeting', true], [[0, 255], null, true], ['', null, true]],
    states: ['open', 'closed by this page', 'closed'],
    isPosition: true,
  };
  for (const [name, got] of Object.entries(read)) equal(got, want, name);

  const strange = await page.evaluate(async () => {
    const tidings = await import('/tidings.js');
    const gaps = [];
    for (const name of ['ShortPollReader', 'LongPollReader', 'SseReader', 'WebSocketReader']) {
      const reader = new tidings[name]('/channels/readers', { after: '0123456789abcdef.7' });
      const { gap } = (await new Promise((resolve) => reader.addEventListener('gap', resolve))).detail;
      reader.close();
      gaps.push([name, gap.reason, gap.asked]);
    }
    return gaps;
  });
  for (const [name, reason, asked] of strange) equal([reason, asked], ['epoch', '0123456789abcdef.7'], name);

  const sent = await page.evaluate(async () => {
    const { WebSocketReader, publish, ShortPollReader } = await import('/tidings.js');
    const reader = new WebSocketReader('/channels/readers-sent');
    const heard = [];
    reader.addEventListener('message', ({ detail: { data, event } }) => heard.push([data, event]));
    // Sent before it is connected, and twice under one key.
    const ids = await Promise.all([
      reader.publish('one', { key: 'k', event: 'greeting' }),
      reader.publish('one', { key: 'k', event: 'greeting' }),
    ]);
    const posted = [
      await publish('/channels/readers-sent', 'two', { key: 'p' }),
      await publish('/channels/readers-sent', 'two', { key: 'p' }),
    ];
    while (heard.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const refused = await reader.publish('x', { event: 'open' }).catch((error) => error.message);
    reader.close();
    const late = await reader.publish('x').catch((error) => error.message);
    const bad = new ShortPollReader('/channels/..%2F');
    const { reason } = (await new Promise((resolve) => bad.addEventListener('close', resolve))).detail;
    return { heard, same: [ids[0] === ids[1], posted[0] === posted[1]], refused, late, reason };
  });
  equal(sent.heard, [['one', 'greeting'], ['two', null]], 'each message is in the channel once');
  equal(sent.same, [true, true], 'a key has one position');
  equal(sent.refused.startsWith('event:'), true, sent.refused);
  equal([sent.late, sent.reason], ['the reader is closed', 'the server answers 400'], 'ends');
  // The refusal above, and the icon of a document that names none.
  page.complaints = page.complaints.filter((text) => !/status of 40[04]/.test(text));
  quiet(page, 'the readers');
  await page.context().close();
}
