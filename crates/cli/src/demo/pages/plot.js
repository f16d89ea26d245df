// The last 40 seconds of one transport: a dot a message, as high as it was late (each line ten times
// as late as the one below), and below them a tick a request, short where its answer was empty.

const SPAN = 40_000;
const DECADES = [0.1, 1, 10, 100, 1000, 10_000];
const LABELS = { 1: '1 ms', 100: '100 ms', 10_000: '10 s' };
const TICKS = 16;
const LEFT = 58;

export class Plot {
  #messages = [];
  #requests = [];
  element = document.createElement('canvas');

  constructor(label) {
    this.element.className = 'plot';
    this.element.setAttribute('role', 'img');
    this.element.setAttribute('aria-label', label);
  }

  message(latency) {
    this.#messages.push({ at: performance.now(), latency });
  }

  request(wasEmpty) {
    this.#requests.push({ at: performance.now(), wasEmpty });
  }

  draw() {
    const canvas = this.element;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0) return;
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const context = canvas.getContext('2d');
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const now = performance.now();
    this.#forget(now - SPAN);
    const x = (at) => LEFT + (1 - (now - at) / SPAN) * (width - LEFT - 6);
    const floor = height - TICKS - 6;
    const y = (latency) => {
      const decade = Math.log10(Math.min(Math.max(latency, 0.1), 10_000)) + 1;
      return floor - (decade / 5) * (floor - 8);
    };

    context.strokeStyle = style.getPropertyValue('--line');
    context.fillStyle = style.getPropertyValue('--muted');
    context.lineWidth = 1;
    context.font = `11px ${style.fontFamily}`;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const decade of DECADES) {
      const at = Math.round(y(decade)) + 0.5;
      context.beginPath();
      context.moveTo(LEFT, at);
      context.lineTo(width, at);
      context.stroke();
      if (LABELS[decade]) context.fillText(LABELS[decade], LEFT - 6, at);
    }
    context.fillText('asks', LEFT - 6, height - TICKS / 2);

    const hue = style.getPropertyValue('--hue');
    for (const { at, wasEmpty } of this.#requests) {
      context.fillStyle = wasEmpty ? style.getPropertyValue('--faint') : hue;
      const tall = wasEmpty ? TICKS / 2 : TICKS;
      context.fillRect(x(at) - 0.75, height - tall, 1.5, tall);
    }
    context.fillStyle = hue;
    for (const { at, latency } of this.#messages) {
      context.beginPath();
      context.arc(x(at), y(latency), 2.25, 0, 2 * Math.PI);
      context.fill();
    }
  }

  #forget(before) {
    while (this.#messages[0]?.at < before) this.#messages.shift();
    while (this.#requests[0]?.at < before) this.#requests.shift();
  }
}
