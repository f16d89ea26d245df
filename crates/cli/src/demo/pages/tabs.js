// Tabs by the ARIA pattern: arrow keys move, Home and End jump, only the chosen one is in the tab order.

/** Calls `choose` with the name of a tab when it becomes the chosen one. */
export function tabs(list, choose) {
  const all = [...list.querySelectorAll('[role="tab"]')];

  function select(tab, focus) {
    for (const other of all) {
      const chosen = other === tab;
      other.setAttribute('aria-selected', String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute('aria-controls')).hidden = !chosen;
    }
    if (focus) tab.focus();
    choose(tab.dataset.view);
  }

  list.addEventListener('click', (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) select(tab, false);
  });
  list.addEventListener('keydown', (event) => {
    const at = all.indexOf(document.activeElement);
    const to = {
      ArrowRight: (at + 1) % all.length,
      ArrowLeft: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    select(all[to], true);
  });
  return (name) => select(all.find((tab) => tab.dataset.view === name) ?? all[0], false);
}
