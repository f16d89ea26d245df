// The strip of a panel that tells how its connection is: the state, the position, a button that cuts,
// and below it what became of the last cut.

import { count, el, seconds, set, short } from './dom.js';

/** How long after a reconnect the messages that waited are counted as caught up. */
const CATCHING_UP = 600;
/** A cut that nothing was seen of for so long was seen by the browser alone. */
const UNSEEN = 12_000;

const RESTS = {
  'short-poll': 'nothing was cut yet; the next poll after “Cut” is reset',
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
      pause: () => this.#show('paused', 'let go, to go on from'),
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
    if (this.#until !== null) set(this.#timer, seconds(Math.max(0, this.#until - performance.now())));
    if (this.#cut?.phase === 'asked' && performance.now() - this.#cut.at > UNSEEN) {
      this.#finish('no connection was there to be cut, or the browser asked again by itself');
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
    set(this.#position, short(position));
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
    this.#show('waiting', delay === null ? `${why}: back within 5 s` : `${why}: reconnecting in `);
    this.#moved(position);
    if (delay !== null) {
      this.#until = performance.now() + delay;
      this.tick();
    }
    this.#say('lost', `reconnecting from ${short(position)}…`);
  }

  async #askForCut() {
    const length = this.#cutSeconds();
    this.#cut = { phase: 'asked', at: performance.now(), lost: this.#audit.lost };
    this.#say('lost', this.#source.transport === 'short-poll' ? 'the next poll is cut…' : 'cutting…');
    const query = length > 0 ? `&seconds=${length}` : '';
    try {
      const target = `/demo/cut?transport=${this.#source.transport}${query}`;
      const answer = await fetch(target, { method: 'POST', cache: 'no-store' });
      if (!answer.ok) this.#finish(`the server answers ${answer.status} to a cut`);
    } catch {
      this.#finish('the server did not answer');
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
      const waited = count(this.#audit.received - cut.received);
      const { missing, doubled, lost } = this.#audit;
      const broken = missing + doubled > 0;
      if (broken) this.#finish(`${missing} missing, ${doubled} doubled`, 'broken');
      else if (lost > cut.lost) this.#finish(`${cut.gap}; ${waited} caught up`, 'gap');
      else this.#finish(`back after ${seconds(cut.took)}: ${waited} caught up, nothing lost`, 'whole');
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

  #finish(words, kind = 'whole') {
    this.#cut = null;
    this.#say(kind, words);
    this.#button.disabled = false;
  }

  #say(kind, words) {
    this.#outcome.dataset.kind = kind;
    set(this.#outcome, words);
  }
}
