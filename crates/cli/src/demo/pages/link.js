// The strip of a panel that tells how its connection is: the state, the position, a button that cuts,
// and below it what became of the last cut.

import { count, el, seconds, set, short } from './dom.js';

/** How long after a reconnect the messages that waited are counted as caught up. */
const CATCHING_UP = 600;
/** A cut that nothing was seen of for so long was seen by the browser alone. */
const UNSEEN = 12_000;

const RESTS = {
  'short-poll': 'nothing was cut yet: “Cut” resets the next poll',
  'long-poll': 'nothing was cut yet',
  websocket: 'nothing was cut yet',
  sse: 'nothing was cut yet',
};

export class Link {
  #source;
  #audit;
  #cutSeconds;
  #state = el('span', { class: 'link-state' });
  #timer = el('span', { class: 'link-timer', 'aria-hidden': 'true' });
  #position = el('code', { class: 'link-position' });
  #button;
  #outcome = el('p', { class: 'outcome', role: 'status' });
  #strip;
  /** The cut that is under way. */
  #cut = null;
  #until = null;

  constructor(source, audit, cutSeconds) {
    this.#source = source;
    this.#audit = audit;
    this.#cutSeconds = cutSeconds;
    this.#button = el('button', { type: 'button', class: 'cut' }, 'Cut');
    this.#button.addEventListener('click', () => this.#askForCut());
    this.#strip = el(
      'div',
      { class: 'link' },
      el('span', { class: 'dot', 'aria-hidden': 'true' }),
      el('span', { class: 'link-words' }, this.#state, this.#timer),
      this.#position,
      this.#button,
    );
    set(this.#outcome, RESTS[source.transport]);
    source.listen({
      resume: () => this.#show('connecting', 'connecting…'),
      open: ({ position }) => this.#opened(position),
      answer: () => this.#opened(this.#source.position),
      message: ({ position }) => this.#moved(position),
      gap: ({ gap }) => this.#gap(gap),
      reconnect: (event) => this.#lost(event),
      close: ({ reason }) => this.#show('closed', `closed: ${reason}`),
      pause: () => {
        this.#show('paused', 'let go while it is not seen');
        this.#moved(this.#source.position);
      },
    });
    this.#show('paused', 'not connected');
    this.#moved(source.position);
  }

  /** The strip and the line below it. */
  get elements() {
    return [this.#strip, this.#outcome];
  }

  /** Moves the countdown on. */
  tick() {
    if (this.#until !== null) {
      const left = this.#until - performance.now();
      set(this.#timer, left > 0 ? ` in ${seconds(left)}` : '…');
    }
    if (this.#cut?.phase === 'asked' && performance.now() - this.#cut.at > UNSEEN) {
      this.#finish('nothing was seen of it: the browser asked again by itself', 'unseen');
    }
  }

  #show(state, words) {
    this.#strip.dataset.state = state;
    set(this.#state, words);
    set(this.#timer, '');
    this.#until = null;
    this.#button.disabled = state === 'paused' || state === 'closed' || this.#cut?.phase === 'lost';
  }

  #moved(position) {
    const isAway = ['waiting', 'paused'].includes(this.#strip.dataset.state) && position;
    set(this.#position, isAway ? `from ${short(position)}` : short(position));
    if (position) this.#position.title = position;
  }

  #opened(position) {
    if (this.#strip.dataset.state !== 'open') this.#show('open', 'connected');
    this.#moved(position);
    if (this.#cut?.phase === 'lost') this.#back();
  }

  #lost({ delay, reason, position }) {
    if (this.#cut?.phase === 'asked') this.#cut.lostAt = performance.now();
    if (this.#cut) this.#cut.phase = 'lost';
    const why = this.#cut ? 'cut by the server' : reason;
    this.#show('waiting', `${why}: reconnecting`);
    this.#moved(position);
    this.#until = performance.now() + delay;
    this.tick();
    if (this.#cut) this.#say('lost', 'what is published meanwhile waits in the log');
  }

  async #askForCut() {
    const length = this.#cutSeconds();
    this.#cut = { phase: 'asked', at: performance.now(), lost: this.#audit.lost };
    this.#say('lost', this.#source.transport === 'short-poll' ? 'the next poll is cut…' : 'cutting…');
    const query = length > 0 ? `&seconds=${length}` : '';
    try {
      const target = `/demo/cut?transport=${this.#source.transport}${query}`;
      const answer = await fetch(target, { method: 'POST', cache: 'no-store' });
      if (!answer.ok) this.#finish(`the server answers ${answer.status} to a cut`, 'broken');
    } catch {
      this.#finish('the server did not answer', 'broken');
    }
  }

  /** Connected again: what waited arrives within a moment, then the books are looked at. */
  #back() {
    const cut = this.#cut;
    cut.phase = 'back';
    cut.took = performance.now() - cut.lostAt;
    cut.received = this.#audit.received;
    setTimeout(() => {
      if (this.#cut !== cut || cut.phase !== 'back') return;
      const caught = this.#audit.received - cut.received;
      const waited = caught === 0 ? 'nothing waited' : `${count(caught)} caught up`;
      const { missing, doubled, lost } = this.#audit;
      const broken = missing + doubled > 0;
      if (broken) this.#finish(`${missing} missing, ${doubled} doubled`, 'broken');
      else if (lost > cut.lost) this.#finish(`${cut.gap}; ${waited}`, 'gap');
      else this.#finish(`back after ${seconds(cut.took)}: ${waited}, nothing lost`, 'whole');
    }, CATCHING_UP);
  }

  #gap(gap) {
    const { first, last } = gap;
    const range = first === null || last === null ? 'some messages' : `messages ${first} to ${last}`;
    const words = `gap: ${range} lost (${gap.reason})`;
    if (this.#cut) this.#cut.gap = words;
    else this.#say('gap', `${words}, goes on from ${short(gap.next)}`);
    this.#moved(gap.next);
  }

  #finish(words, kind) {
    this.#cut = null;
    this.#say(kind, words);
    this.#button.disabled = ['paused', 'closed'].includes(this.#strip.dataset.state);
  }

  #say(kind, words) {
    this.#outcome.dataset.kind = kind;
    set(this.#outcome, words);
  }
}
