// Message data as an object. Anybody may publish on an open channel, so it need not be of our form.

/** The object in `data`, if it is one that has these members; else `null`. */
export function fields(data, names) {
  try {
    const object = JSON.parse(data);
    return names.every((name) => name in object) ? object : null;
  } catch {
    return null;
  }
}
