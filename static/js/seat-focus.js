// The keyboard's place in the hall. All seats are one tab stop; a seat that cannot be chosen keeps the focus, so it is
// `aria-disabled` and never `disabled`: the server's markup has `disabled`, for pages without script.

/** Whether the visitor may choose the seat of this box. */
export function offer(box, may) {
  box.disabled = false;
  if (may) box.removeAttribute("aria-disabled");
  else box.setAttribute("aria-disabled", "true");
}

export const isOffered = (box) => !box.hasAttribute("aria-disabled");

export class SeatFocus {
  #stop = null;

  constructor(hall) {
    this.hall = hall;
    this.places = hall.boxes; // what gets the focus, by index; the list by row has others
    for (const box of hall.boxes) {
      if (box.disabled) offer(box, false);
      box.tabIndex = -1;
    }
    this.stop = Math.max(0, hall.boxes.findIndex(isOffered));
    hall.element.closest(".hall-window").removeAttribute("tabindex"); // a sold-out hall without script scrolls by it
    hall.element.setAttribute("aria-describedby", "hall-help");
    hall.element.addEventListener("focusin", ({ target }) => (this.stop = hall.boxes.indexOf(target)));
    document.addEventListener("keydown", () => this.begin(), { once: true, capture: true });
    document.addEventListener("click", (event) => this.skip(event));
  }

  /** The seat that the Tab key leads to. */
  get stop() {
    return this.#stop;
  }

  set stop(seat) {
    if (seat < 0 || seat === this.#stop || !this.hall.boxes.length) return;
    if (this.#stop !== null) this.hall.boxes[this.#stop].tabIndex = -1;
    this.#stop = seat;
    this.hall.boxes[seat].tabIndex = 0;
  }

  focus(seat = this.stop) {
    this.places[seat]?.focus();
  }

  /** Middle of each seat, in seat pitches from the corner of the hall, at any zoom. */
  get spots() {
    const floor = this.hall.element.getBoundingClientRect();
    const width = Number(getComputedStyle(this.hall.element).getPropertyValue("--hall-width"));
    const pitch = floor.width / width;
    return this.hall.boxes.map((box) => {
      const { x, y, width, height } = box.getBoundingClientRect();
      return [(x + width / 2 - floor.x) / pitch, (y + height / 2 - floor.y) / pitch];
    });
  }

  /** Before the first key: Tab leads to the first seat of mine, else to the free seat nearest to the middle. */
  begin() {
    if (this.hall.element.contains(document.activeElement)) return;
    const { boxes, seats } = this.hall;
    const mine = seats.findIndex((seat) => seat.dataset.status === "mine");
    const spots = this.spots;
    const mean = (axis) => spots.reduce((sum, spot) => sum + spot[axis], 0) / spots.length;
    const [x, y] = [mean(0), mean(1)];
    const free = [...spots.keys()].filter((i) => isOffered(boxes[i]) && seats[i].dataset.kind === "seat");
    const far = (i) => Math.hypot(spots[i][0] - x, spots[i][1] - y);
    this.stop = mine >= 0 ? mine : free.reduce((best, i) => (best < 0 || far(i) < far(best) ? i : best), -1);
  }

  /** The skip links to the map and to the payment; each lands on what can be pressed next. */
  skip(event) {
    const goal = event.target.closest?.("a.skip-link")?.hash;
    if (goal !== "#seats" && goal !== "#basket-pay") return;
    event.preventDefault();
    if (goal === "#seats") this.focus();
    else document.getElementById("basket-pay")?.focus();
  }
}
