// Latencies of the last messages, and what is in the middle and at the end of them.

const KEPT = 200;

export class Latency {
  #last = [];

  add(millis) {
    this.#last.push(millis);
    if (this.#last.length > KEPT) this.#last.shift();
  }

  get size() {
    return this.#last.length;
  }

  /** The value that `share` of all are at or below; `null` of none. */
  quantile(share) {
    if (this.#last.length === 0) return null;
    const sorted = [...this.#last].sort((one, other) => one - other);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  }
}

/** Milliseconds in three digits or so: 0.42 ms, 12.3 ms, 840 ms, 1.84 s. */
export function millis(value) {
  if (value === null) return '–';
  if (value < 0) return '< 0.1 ms';
  if (value < 10) return `${value.toFixed(2)} ms`;
  if (value < 100) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${value.toFixed(0)} ms`;
  return `${(value / 1000).toFixed(2)} s`;
}
