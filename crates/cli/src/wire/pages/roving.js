// A list of which one item is in the tab order; arrow keys move in it.

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/**
 * Makes a list of what `selector` finds in `container`. What is focused becomes the item in the tab order, `arrive` is called with it.
 * What is given back takes up items that were added, and moves the place in the tab order.
 */
export function roving(container, selector, arrive = () => {}) {
  const items = () => [...container.querySelectorAll(selector)].filter((item) => !item.hidden);

  function place(chosen) {
    const all = items();
    const current = chosen ?? all.find((item) => item.tabIndex === 0) ?? all[0];
    for (const item of all) item.tabIndex = item === current ? 0 : -1;
  }

  container.addEventListener('focusin', (event) => {
    const item = event.target.closest(selector);
    if (!item || !container.contains(item)) return;
    place(item);
    arrive(item);
  });
  container.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const item = event.target.closest(selector);
    if (!item) return;
    const all = items();
    const at = all.indexOf(item);
    const to = { Home: 0, End: all.length - 1 }[event.key] ?? at + (STEPS[event.key] ?? 0);
    if (to === at && !['Home', 'End'].includes(event.key)) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))].focus();
  });
  return place;
}
