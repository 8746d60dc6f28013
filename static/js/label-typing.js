// A label that is typed on the map, such as F10. A key belongs to it within a second of the key before.

const PAUSE = 1_000; // ms

export class LabelTyping {
  /** `labels` are those of the seats, in their order. */
  constructor(labels) {
    this.labels = labels.map((label) => label.toUpperCase());
    this.typed = "";
    this.at = -Infinity;
  }

  /**
   * What a key at the time `at` (ms) makes of the label: {typed, seat}, `seat` null when no label begins so.
   * null for a key that belongs to no label: `+`, `-` and `0` can go on with one, but never begin one.
   */
  take(key, at) {
    const before = at - this.at < PAUSE ? this.typed : "";
    const longer = (before + key).toUpperCase();
    const goesOn = before !== "" && (/^\d$/.test(key) || this.find(longer) !== null);
    if (!goesOn && !this.begins(key)) return null;
    this.typed = goesOn ? longer : key.toUpperCase();
    this.at = at;
    return { typed: this.typed, seat: this.find(this.typed) };
  }

  begins(key) {
    return /^\p{L}$/u.test(key) || (/^[1-9]$/.test(key) && this.find(key) !== null);
  }

  /** The seat of that label, else the first whose label begins so, else null. */
  find(text) {
    const whole = this.labels.indexOf(text);
    const seat = whole >= 0 ? whole : this.labels.findIndex((label) => label.startsWith(text));
    return seat >= 0 ? seat : null;
  }
}
