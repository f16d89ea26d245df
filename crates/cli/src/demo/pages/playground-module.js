// The codecs: a WebAssembly module that imports nothing. Octets go into its memory, and JSON comes out.

/** The order of the module's numbers. */
export const PROTOCOLS = ['detect', 'requests', 'responses', 'websocket', 'sse'];

/** Makes the function that tells octets, cut in two, out of the octets of the module. */
export async function instantiate(source) {
  const { instance } = await WebAssembly.instantiate(source, {});
  const { memory, playground_input: input, playground_tell: tell, playground_output: output } = instance.exports;
  const decoder = new TextDecoder();
  return (protocol, octets, cut) => {
    const at = input(octets.length);
    new Uint8Array(memory.buffer, at, octets.length).set(octets);
    const len = tell(PROTOCOLS.indexOf(protocol), cut);
    // The memory may have grown, so it is looked at anew.
    return decoder.decode(new Uint8Array(memory.buffer, output(), len));
  };
}

/** Loads the module that stands beside this script. */
export async function load() {
  const answer = await fetch(new URL('./playground.wasm', import.meta.url));
  if (!answer.ok) throw new Error(`the module is not there: ${answer.status}`);
  return instantiate(await answer.arrayBuffer());
}
