// What I ask for is the whole selection. When the lock has changed meanwhile, in another tab, what I have changed goes on
// top of what is locked now, so that nothing of the other tab is given back. Pure: labels in, labels out.

/** What makes `base` into `selection`; `size` labels are added or dropped. */
export function changeOf(selection, base) {
  const [asked, had] = [new Set(selection), new Set(base)];
  const added = [...asked].filter((label) => !had.has(label));
  const dropped = [...had].filter((label) => !asked.has(label));
  return { added, dropped, size: added.length + dropped.length };
}

/** The change on top of `seats`: a selection of at most `max`, and the labels for which it has no room. */
export function mergeOnto(seats, { added, dropped }, max) {
  const kept = seats.filter((label) => !dropped.includes(label));
  const more = added.filter((label) => !kept.includes(label));
  const room = Math.max(0, max - kept.length);
  return { selection: [...kept, ...more.slice(0, room)], noRoom: more.slice(room) };
}

export function isSame(one, other) {
  return changeOf(one, other).size === 0;
}

/** There was a lock, there is none now, and by the server's clock its time is over. */
export function isExpired(before, now) {
  return before.seats.length > 0 && now.seats.length === 0 && Date.parse(now.now) >= Date.parse(before.expires_at);
}

export function labelsOf(lock) {
  return lock.seats.map((seat) => seat.label);
}
