// The seats on the page. Changes `data-status`, `disabled`, `checked` and the word of a seat, and nothing else:
// the server has drawn them.

const STATUS = { A: "available", L: "locked", B: "booked", X: "blocked" };
const WORDS = {
  available: "available",
  mine: "yours",
  locked: "being chosen by someone else",
  booked: "taken",
  blocked: "not for sale",
};
const EVENT_LASTS = 1_200;

export class Hall {
  /** `root` holds `.seat[data-i]` and the counters; `statusOf(i, letter)` may say "mine" or another status. */
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
  }

  /** Draw these seats as they are in `letters`. Returns [i, before, after] of each that looks different now. */
  paint(letters, indices = this.seats.keys()) {
    const turned = [];
    for (const i of indices) {
      const after = this.statusOf(i, letters[i]) ?? STATUS[letters[i]];
      const before = this.seats[i].dataset.status;
      if (this.boxes[i].checked !== (after === "mine")) this.boxes[i].checked = after === "mine";
      if (before === after) continue;
      this.seats[i].dataset.status = after;
      this.dots[i].dataset.status = after;
      this.boxes[i].disabled = !["available", "mine"].includes(after);
      this.words[i].textContent = WORDS[after];
      turned.push([i, before, after]);
    }
    this.count(letters);
    return turned;
  }

  /** For 1.2 s: somebody else took it, or gave it back. */
  flash(i, event) {
    const seat = this.seats[i];
    seat.dataset.event = event;
    clearTimeout(seat.flashing);
    seat.flashing = setTimeout(() => delete seat.dataset.event, EVENT_LASTS);
  }

  /** A price of the legend is pressed: its seats stay lit, the rest of the house dims; pressed again, all are lit. */
  spotlight(price) {
    if (!price) return;
    const on = price.getAttribute("aria-pressed") !== "true";
    for (const each of this.root.querySelectorAll(".price")) each.setAttribute("aria-pressed", on && each === price);
    if (on) this.element.dataset.spotlight = price.dataset.clothOf;
    else delete this.element.dataset.spotlight;
  }

  count(letters) {
    const left = letters.split("A").length - 1;
    const choosing = letters.split("L").length - 1;
    this.root.querySelector('[data-count="left"]').textContent = left;
    this.root.querySelector('[data-count="choosing"]').textContent = choosing;
    this.element.setAttribute("aria-label", `${this.name}, ${left} of ${this.seats.length} seats available`);
  }

  /** Whether what is shown is known to be so; if not, the house is dim and takes no clicks. */
  get live() {
    return this.element.dataset.live === "true";
  }

  set live(live) {
    this.element.dataset.live = live;
  }

  /** The seat under the pointer or the focus, if any. */
  get pointed() {
    const seat = this.root.querySelector(".seat:has(:focus-visible), .seat:hover");
    return seat ? Number(seat.dataset.i) : null;
  }
}
