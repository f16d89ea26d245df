// What tidings.js has is what tidings.d.ts declares, by name. Usage: exports.mjs TIDINGS_JS TIDINGS_D_TS
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [script, types] = process.argv.slice(2);
const library = await import(pathToFileURL(script));
const text = (await readFile(types, 'utf8')).replaceAll(/\/\*.*?\*\//gs, '');

const declared = [...text.matchAll(/^export (?:declare )?(?:class|function|const) (\w+)/gm)].map(([, name]) => name);
assert.deepEqual(declared.toSorted(), Object.keys(library).toSorted(), 'exports');

/** The members that a declaration has, those of what it extends included. */
function members(name) {
  const [, base, body] = new RegExp(`class ${name}(?:<\\w+>)?(?: extends (\\w+)[^{]*)? \\{(.*?)^\\}`, 'ms').exec(text);
  const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:<]/gm)].map(([, member]) => member);
  return [...own, ...(base ? members(base) : [])].filter((member) => member !== 'constructor');
}

/** The members that an object has, fields included. */
function has(object) {
  const names = Object.getOwnPropertyNames(object);
  for (let kind = Object.getPrototypeOf(object); kind !== Object.prototype; kind = Object.getPrototypeOf(kind)) {
    names.push(...Object.getOwnPropertyNames(kind));
  }
  return new Set(names.filter((name) => !name.startsWith('_') && name !== 'constructor'));
}

const url = 'http://127.0.0.1:1/channels/a';
const tidings = new library.Tidings('http://127.0.0.1:1/');
const objects = { Tidings: tidings, Channel: tidings.channel('a') };
for (const name of declared.filter((one) => one.endsWith('Reader'))) objects[name] = new library[name](url);
// Not part of the interface: where the options went, and what the parts of the library tell each other.
const inside = new Set(['from', 'patience', 'reader', 'cuts']);
let count = 0;
for (const [name, object] of Object.entries(objects)) {
  const told = new Set(members(name));
  const real = has(object);
  for (const member of told) assert.ok(real.has(member), `${name} has no ${member}`);
  for (const member of real) assert.ok(told.has(member) || inside.has(member), `${name}.${member} is not declared`);
  count += told.size;
  object.close();
}
console.log(`tidings.d.ts: ${declared.length} exports and ${count} members are those of tidings.js`);
