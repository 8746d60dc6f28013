// Three sizes of the hall: fit, 1.6, 2.6. Buttons, keys + - 0, double tap, pinch; the window pans by scrolling.

const SIZES = ["1", "1.6", "2.6"];

export class HallZoom {
  constructor(root) {
    this.root = root;
    this.hall = root.querySelector(".hall");
    this.window = root.querySelector(".hall-window");
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-zoom-by]");
      if (button) this.by(button.dataset.zoomBy);
    });
    root.addEventListener("keydown", (event) => {
      const action = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
      if (action && !event.ctrlKey && !event.metaKey) this.by(action);
    });
    this.window.addEventListener("dblclick", (event) => event.target.closest(".seat") || this.by("next", event));
    this.window.addEventListener("touchmove", (event) => this.pinch(event), { passive: false });
    this.window.addEventListener("touchend", () => (this.spread = null));
    this.drag();
    this.middle();
  }

  get level() {
    return SIZES.indexOf(this.hall.dataset.zoom);
  }

  /** `action`: in, out, fit or next. */
  by(action, at = null) {
    const next = { in: this.level + 1, out: this.level - 1, fit: 0, next: (this.level + 1) % SIZES.length }[action];
    this.to(Math.max(0, Math.min(SIZES.length - 1, next)), at);
  }

  /** Zoom with the spot under `at` fixed; without `at`, centred on `goal`. */
  to(level, at) {
    const spot = at ? this.spotAt(at) : this.goal;
    this.hall.dataset.zoom = SIZES[level];
    this.window.toggleAttribute("data-zoomed", level > 0);
    this.centre(...spot, at);
    this.root.querySelector('[data-zoom-by="in"]').disabled = level === SIZES.length - 1;
    this.root.querySelector('[data-zoom-by="out"]').disabled = level === 0;
    this.root.dispatchEvent(new CustomEvent("hall:zoomed"));
  }

  /** The visible part of the hall: left, top, right, bottom in seat pitches. */
  get view() {
    const box = this.window.getBoundingClientRect();
    const corners = [[box.left, box.top], [box.right, box.bottom]];
    return corners.flatMap(([clientX, clientY]) => this.spotAt({ clientX, clientY }));
  }

  /** The mean of the visitor's seats (when zoomed, of the visible ones); without any, the middle of the window. */
  get goal() {
    const view = this.window.getBoundingClientRect();
    const isVisible = (box) =>
      box.right > view.left && box.left < view.right && box.bottom > view.top && box.top < view.bottom;
    const seats = [...this.hall.querySelectorAll('.seat[data-status="mine"]')].map((each) => each.getBoundingClientRect());
    const mine = this.level ? seats.filter(isVisible) : seats;
    const boxes = mine.length ? mine : [view];
    const mean = (pick) => boxes.reduce((sum, box) => sum + pick(box), 0) / boxes.length;
    return this.spotAt({ clientX: mean((box) => box.x + box.width / 2), clientY: mean((box) => box.y + box.height / 2) });
  }

  /** Pixels from one seat to the next. */
  get pitch() {
    return this.hall.offsetWidth / getComputedStyle(this.hall).getPropertyValue("--hall-width");
  }

  spotAt({ clientX, clientY }) {
    const floor = this.hall.getBoundingClientRect();
    return [(clientX - floor.x) / this.pitch, (clientY - floor.y) / this.pitch];
  }

  /** Scroll so that a spot of the hall is under `at`, or in the middle of the window. */
  centre(x, y, at = null) {
    const box = this.window.getBoundingClientRect();
    const { clientX, clientY } = at ?? { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
    const [hereX, hereY] = this.spotAt({ clientX, clientY });
    this.window.scrollBy((x - hereX) * this.pitch, (y - hereY) * this.pitch);
  }

  /** A hall wider than the window is first shown from its middle, where the best seats are. */
  middle() {
    this.window.scrollLeft = (this.window.scrollWidth - this.window.clientWidth) / 2;
  }

  pinch(event) {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const [a, b] = event.touches;
    const spread = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    this.spread ??= spread;
    if (spread / this.spread > 1.35) this.step("in", a, b, spread);
    else if (spread / this.spread < 0.74) this.step("out", a, b, spread);
  }

  step(action, a, b, spread) {
    this.spread = spread;
    this.by(action, { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });
  }

  /** A mouse pans by dragging the floor. */
  drag() {
    this.window.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button || event.target.closest(".seat")) return;
      const [x, y, left, top] = [event.clientX, event.clientY, this.window.scrollLeft, this.window.scrollTop];
      const move = (moved) => this.window.scrollTo(left + x - moved.clientX, top + y - moved.clientY);
      addEventListener("pointermove", move);
      addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
    });
  }
}
