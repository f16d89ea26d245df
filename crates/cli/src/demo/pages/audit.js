// Counts what arrived against the offsets of the positions, which are contiguous: what is neither
// received nor told as lost is missing, and what comes again is doubled. Both must stay 0.

export class Audit {
  received = 0;
  lost = 0;
  missing = 0;
  doubled = 0;
  /** A gap was told whose range nobody knows, such as after a restart of the server. */
  isUnknown = false;
  #epoch = null;
  #next = null;

  /** Where reading starts. */
  open(position) {
    if (this.#next === null && position) this.#seek(position);
  }

  message(position) {
    const { epoch, offset } = parse(position);
    this.received += 1;
    if (this.#next !== null && epoch === this.#epoch) {
      if (offset < this.#next) {
        this.doubled += 1;
        return;
      }
      this.missing += offset - this.#next;
    }
    this.#epoch = epoch;
    this.#next = offset + 1;
  }

  gap(gap) {
    if (gap.first !== null && gap.last !== null) this.lost += gap.last - gap.first + 1;
    else this.isUnknown = true;
    if (gap.next) this.#seek(gap.next);
    else this.#next = null;
  }

  /** What was not received, told or not. */
  get lostWords() {
    return `${(this.lost + this.missing).toLocaleString('en')}${this.isUnknown ? '+' : ''}`;
  }

  #seek(position) {
    const { epoch, offset } = parse(position);
    this.#epoch = epoch;
    this.#next = offset + 1;
  }
}

function parse(position) {
  const [epoch, offset] = position.split('.');
  return { epoch, offset: Number(offset) };
}
