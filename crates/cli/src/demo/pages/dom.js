// Elements without markup: everything that is shown goes in as text.

/** Makes an element; children are elements or strings, which become text. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Changes a text only where it differs, so that nothing is laid out for nothing. */
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Lights an element up for a moment, where something of it changed. */
export function flash(element, kind = 'changed') {
  element.classList.remove('changed', 'up', 'down');
  // Reading a size makes the animation start anew.
  void element.offsetWidth;
  element.classList.add(kind);
}

/** A number with separators, such as 1,204. */
export function count(number) {
  return number.toLocaleString('en');
}

/** A position short enough to be read: `9f3a…d877.42`. */
export function short(position) {
  if (!position) return '–';
  const [epoch, offset] = position.split('.');
  return offset === undefined ? position : `${epoch.slice(0, 4)}….${offset}`;
}

/** Seconds, such as 1.2 s. */
export function seconds(millis) {
  return `${(millis / 1000).toFixed(1)} s`;
}
