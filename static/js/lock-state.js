// What I hold, by the server's word, and what I ask for. Tells both in events; `lock-client` has the requests.

import { changeOf, isExpired, labelsOf, mergeOnto } from "lock-change";

const NO_LOCK = { seats: [], total: 0, v: 0, tag: null, reference: null, status: null, expires_at: null };

export class LockState extends EventTarget {
  lock = NO_LOCK;
  requested = new Set(); // labels, as the page shows them
  released = new Map(); // label -> version of the map that shows it as available
  doubtful = new Set(); // labels of a request without an answer, which may still reach the server
  again = false; // `requested` is to be sent
  base = []; // the labels that `requested` was made from

  get mine() {
    return labelsOf(this.lock);
  }

  /** Start with the labels that the page shows as mine. */
  start(labels) {
    this.requested = new Set(labels);
    this.base = labels;
  }

  /** The versions at which seats were released are not those of this epoch. */
  forgetReleased() {
    this.released.clear();
  }

  /** The server's word: `lock` is what I hold. What was clicked since `base` is still to be asked for. */
  take(lock, base, { asked = false, tell = !asked } = {}) {
    const [before, had] = [this.lock, this.mine];
    const change = changeOf(this.again ? this.requested : base, base);
    const elsewhere = changeOf(labelsOf(lock), had);
    if (!asked && isExpired(before, lock)) this.emit("expired", before);
    else if (tell && before.tag !== null && elsewhere.size) this.emit("elsewhere", { ...elsewhere, before, lock });
    this.lock = lock;
    // A released seat is shown as available although the frame that says so may not have arrived.
    for (const label of had) if (!this.mine.includes(label)) this.released.set(label, lock.v);
    for (const label of this.mine) this.released.delete(label);
    this.requested = new Set(mergeOnto(this.mine, change, this.max).selection);
    this.base = this.mine;
    this.emit("granted", { asked, before });
  }

  /** Show what I hold, as far as it is known, and ask for nothing. */
  giveUp(what, detail) {
    this.requested = new Set(this.mine);
    this.base = this.mine;
    this.again = false;
    this.emit(what, detail);
  }

  emit(what, detail = this.lock) {
    this.dispatchEvent(new CustomEvent(`lock:${what}`, { detail }));
  }
}
