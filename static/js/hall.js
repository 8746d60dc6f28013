// The seats on the page. Changes `data-status`, `aria-disabled`, `checked` and the state word of a seat, and nothing
// else: the server has drawn them. Letters, words and the states that can be chosen come with the page, in `#seat-states`.

import { offer } from "seat-focus";

const EVENT_LASTS = 1_200; // ms

export class Hall {
  /** `root` holds `.seat[data-i]` and the counters; `statusOf(i, status)` returns another status to show, or null. */
  constructor(root, statusOf) {
    this.root = root;
    this.element = root.querySelector(".hall");
    this.statusOf = statusOf;
    this.seats = [...root.querySelectorAll(".seat")].sort((a, b) => a.dataset.i - b.dataset.i);
    this.boxes = this.seats.map((seat) => seat.querySelector("input"));
    this.words = this.seats.map((seat) => seat.querySelector("[data-word]"));
    this.dots = [...root.querySelectorAll(".minimap path[data-status]")];
    this.labels = this.boxes.map((box) => box.value);
    this.indexOf = new Map(this.labels.map((label, i) => [label, i]));
    this.name = this.element.getAttribute("aria-label").split(",")[0];
    this.states = JSON.parse(document.getElementById("seat-states").textContent);
    this.hovered = this.focused = null;
    this.element.addEventListener("pointerover", ({ target }) => (this.hovered = this.seatOf(target)));
    this.element.addEventListener("pointerleave", () => (this.hovered = null));
    this.element.addEventListener("focusin", ({ target }) => (this.focused = target.matches(":focus-visible") ? this.seatOf(target) : null));
    this.element.addEventListener("focusout", () => (this.focused = null));
  }

  /** The index of the seat that this element belongs to, or null. */
  seatOf(element) {
    const seat = element.closest(".seat");
    return seat ? Number(seat.dataset.i) : null;
  }

  /** The index of the seat with the visible focus, or else under the pointer, or null. */
  get pointed() {
    return this.focused ?? this.hovered;
  }

  /** The status that seat `i` has in `letters`, the state of the map; undefined without a state. */
  statusIn(letters, i) {
    return this.states.letters[letters?.[i]];
  }

  /** As the server has written it: row and number. */
  nameOf(i) {
    return this.seats[i].querySelector(".visually-hidden").textContent.split(", ").slice(0, 2).join(", ");
  }

  /** Draw these seats as they are in `letters`. Returns [i, before, after] of each that looks different now. */
  paint(letters, indices = this.seats.keys()) {
    const changed = [];
    for (const i of indices) {
      const stored = this.statusIn(letters, i);
      const after = this.statusOf(i, stored) ?? stored;
      const before = this.seats[i].dataset.status;
      if (this.boxes[i].checked !== (after === "mine")) this.boxes[i].checked = after === "mine";
      if (before === after) continue;
      this.seats[i].dataset.status = after;
      this.dots[i].dataset.status = after;
      offer(this.boxes[i], this.states.choosable.includes(after));
      this.words[i].textContent = this.states.words[after];
      changed.push([i, before, after]);
    }
    this.count(letters);
    return changed;
  }

  /** For 1.2 s: another visitor took the seat, or gave it back. */
  flash(i, event) {
    const seat = this.seats[i];
    seat.dataset.event = event;
    clearTimeout(seat.flashing);
    seat.flashing = setTimeout(() => delete seat.dataset.event, EVENT_LASTS);
  }

  /** A price of the legend is pressed: all seats but its own are dimmed; pressed again, none is. */
  spotlight(price) {
    if (!price) return;
    const on = price.getAttribute("aria-pressed") !== "true";
    for (const each of this.root.querySelectorAll(".price")) each.setAttribute("aria-pressed", on && each === price);
    if (on) this.element.dataset.spotlight = price.dataset.seatColourOf;
    else delete this.element.dataset.spotlight;
  }

  count(letters) {
    const count = (status) => [...letters].filter((letter) => this.states.letters[letter] === status).length;
    const left = count("available");
    for (const each of document.querySelectorAll('[data-count="left"]')) each.textContent = left;
    this.root.querySelector('[data-count="choosing"]').textContent = count("locked");
    this.element.setAttribute("aria-label", `${this.name}, ${left} of ${this.seats.length} seats available`);
  }

  /** Whether the map is known to be current; if not, it is dim and takes no clicks. */
  get live() {
    return this.element.dataset.live === "true";
  }

  set live(live) {
    this.element.dataset.live = live;
  }
}
