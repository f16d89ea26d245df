// The module of the playground in Node: each line of stdin gives octets and the answer of the crate.
// Usage: playground_module.mjs MODULE
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A script of the page. By its name alone Node may take it for one of the older kind. */
function script(name) {
  const source = readFileSync(new URL(`../../crates/cli/src/demo/pages/${name}`, import.meta.url), 'utf8');
  return import(`data:text/javascript,${encodeURIComponent(source)}`);
}

const { PROTOCOLS, instantiate } = await script('playground-module.js');
const { fromBase64, fromHex, fromText, toBase64, toHex, toText } = await script('playground-octets.js');
const { EXAMPLES } = await script('playground-examples.js');
const tell = await instantiate(readFileSync(process.argv[2]));

let count = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { name, protocol, hex, cut, want } = JSON.parse(line);
  const octets = fromHex(hex);
  assert.equal(tell(PROTOCOLS[protocol], octets, cut), want, `${name} as ${PROTOCOLS[protocol]}`);
  // Neither field of the page nor its link loses an octet.
  assert.deepEqual(fromText(toText(octets)), octets, `${name} as text`);
  assert.deepEqual(fromHex(toHex(octets)), octets, `${name} as hex`);
  assert.deepEqual(fromBase64(toBase64(octets)), octets, `${name} in a link`);
  count += 1;
}
assert.ok(count > 0, 'there are cases');

// The examples are what their buttons say, and are taken for what they are.
for (const [protocol, all] of Object.entries(EXAMPLES)) {
  for (const { name, text, bad } of all) {
    const told = JSON.parse(tell('detect', fromText(text), 0));
    assert.equal(told.protocol, protocol, name);
    assert.equal(told.fault !== null, bad === true, `${name}: ${JSON.stringify(told)}`);
    assert.equal(told.cut.same, true, name);
  }
}
for (const wrong of ['\\', '\\q', '\\x8', '\\xg0']) assert.throws(() => fromText(wrong), SyntaxError, wrong);
for (const wrong of ['8', '8g', '+1', '\u0661\u0661']) assert.throws(() => fromHex(wrong), SyntaxError, wrong);
assert.deepEqual(fromHex('81:05 # a comment\n48'), Uint8Array.of(0x81, 5, 0x48));
console.log(`node ${process.version}: the module of the playground gives the ${count} answers of the crate`);
