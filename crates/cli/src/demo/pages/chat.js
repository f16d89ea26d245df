// A chat, both ways over one connection: what is written is sent, acknowledged, and comes back as it
// does to everybody.

import { el, set } from './dom.js';
import { fields } from './fields.js';

const SHOWN = 100;
const NAMES = ['Heron', 'Plover', 'Tern', 'Curlew', 'Dunlin', 'Petrel', 'Gannet', 'Avocet'];

export class Chat {
  #list = el('ol', { class: 'messages', tabindex: '0', 'aria-label': 'Messages', 'aria-live': 'polite' });
  #none = el('li', { class: 'none' }, 'no message yet: write one');
  #text;
  #note = el('p', { class: 'note', role: 'status' });
  #name = guest();
  element;

  constructor(source) {
    this.#list.append(this.#none);
    this.#text = el('input', {
      name: 'text',
      autocomplete: 'off',
      maxlength: '500',
      placeholder: `Write as ${this.#name}`,
      'aria-label': `Message, as ${this.#name}`,
    });
    const form = el(
      'form',
      { class: 'composer' },
      this.#text,
      el('button', { type: 'submit', class: 'primary' }, 'Send'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send(source);
    });
    this.element = el('div', { class: 'chat' }, this.#list, form, this.#note);
  }

  async #send(source) {
    const text = this.#text.value.trim();
    if (text === '') return;
    this.#text.value = '';
    if (source.state !== 'open') set(this.#note, 'not connected: it is sent when the connection is back');
    try {
      await source.publish(JSON.stringify({ from: this.#name, text }));
      set(this.#note, '');
    } catch (error) {
      set(this.#note, `not sent: ${error.message}`);
      if (this.#text.value === '') this.#text.value = text;
    }
  }

  message({ data }) {
    const { from, text } = fields(data, ['from', 'text']) ?? { from: 'somebody', text: String(data) };
    const isAtEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40;
    this.#none.remove();
    this.#list.append(
      el(
        'li',
        { 'data-mine': from === this.#name },
        el('b', {}, from),
        el('span', { class: 'said' }, text),
      ),
    );
    while (this.#list.children.length > SHOWN) this.#list.firstElementChild.remove();
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }
}

function guest() {
  const [one, two] = crypto.getRandomValues(new Uint8Array(2));
  return `${NAMES[one % NAMES.length]} ${10 + (two % 90)}`;
}
