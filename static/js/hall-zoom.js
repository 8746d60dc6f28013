// The window of the hall: it scrolls natively, and the drawing in it is scaled, never laid out anew.
//
// For the rest of the page: `window` (the element that scrolls), `view`, `pitch`, the event `hall:zoomed` on the root
// for each change of scale, and ordinary scroll events.

import { goalOf } from "hall-goals";
import { FINGER, detailAt, extentOf, middleOf, pitchBetween, pitchToFit, scrollFor, spotAt, stepped, stepsFrom } from "hall-view";

const DURATION = 240; // ms of a smooth change
const SETTLED = 120; // ms without a change after which the drawing is made sharp

export class HallZoom {
  #frame = 0;
  #settling = 0;

  constructor(root) {
    this.root = root;
    this.hall = root.querySelector(".hall");
    this.window = root.querySelector(".hall-window");
    this.extent = root.querySelector(".hall-extent");
    const style = getComputedStyle(this.hall);
    const read = (...names) => names.map((name) => parseFloat(style.getPropertyValue(name)));
    this.plan = read("--hall-width", "--hall-depth");
    this.fit = read("--fit-left", "--fit-top", "--fit-right", "--fit-bottom");
    this.drawn = this.hall.offsetWidth / this.plan[0]; // px of a pitch before it is scaled
    this.pitch = 0; // CSS px from one seat to the next
    this.resized();
    new ResizeObserver(() => this.resized()).observe(this.window);
  }

  /** Whether the whole hall is in the window. */
  get isFit() {
    return this.pitch <= this.steps[0] * 1.001;
  }

  /** Whether a seat is smaller than a finger. */
  get isOverview() {
    return this.pitch < FINGER * 0.999;
  }

  /** The visible part of the hall: left, top, right, bottom in seat pitches. */
  get view() {
    return [...this.spotAt([0, 0]), ...this.spotAt(this.size)];
  }

  get middle() {
    return this.size.map((length) => length / 2);
  }

  /** The spot of the hall under a point of the window, which is [x, y] in px from its corner. */
  spotAt(point) {
    const { scrollLeft, scrollTop } = this.window;
    return spotAt([this.offset[0] - scrollLeft, this.offset[1] - scrollTop], this.pitch, point);
  }

  /** The point of the window under a pointer, also under a finger of a touch. */
  pointOf({ clientX, clientY }) {
    const box = this.window.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  }

  /** `action`: in, out, fit or next. The spot under `point` stays there; without a point, the visitor's seats are shown. */
  by(action, point = null) {
    const pitch = stepped(this.steps, this.goalPitch ?? this.pitch, action);
    if (pitch <= this.steps[0]) this.to(pitch, middleOf(this.fit));
    else if (point) this.to(pitch, this.spotAt(point), point);
    else this.to(pitch, goalOf(this));
  }

  /** Scroll so that a spot of the hall is in the middle of the window. */
  centre(x, y) {
    this.stop();
    this.show(this.pitch, [x, y]);
  }

  /** Change smoothly to a pitch, until `spot` is under `point`. */
  to(pitch, spot, point = this.middle) {
    this.stop();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.show(pitch, spot, point);
    const [from, start, corner] = [this.pitch, performance.now(), this.spotAt([0, 0])];
    const begin = [0, 1].map((axis) => (spot[axis] - corner[axis]) * from);
    const step = (now) => {
      const share = 1 - (1 - Math.min(1, Math.max(0, now - start) / DURATION)) ** 3;
      this.show(pitchBetween(from, pitch, share), spot, [0, 1].map((axis) => begin[axis] + (point[axis] - begin[axis]) * share));
      if (share < 1) this.#frame = requestAnimationFrame(step);
      else this.stop();
    };
    this.goalPitch = pitch;
    this.#frame = requestAnimationFrame(step);
  }

  /** End a smooth change where it is. */
  stop() {
    cancelAnimationFrame(this.#frame);
    this.goalPitch = null;
  }

  /** Show the hall at a pitch at once, with `spot` under `point` or as near as it can be. */
  show(pitch, spot, point = this.middle) {
    const before = this.pitch;
    this.pitch = Math.max(this.steps[0], Math.min(this.steps.at(-1), pitch));
    const extent = extentOf(this.plan, this.fit, this.pitch, this.size);
    const exact = scrollFor(extent, this.pitch, this.size, spot, point);
    const [left, top] = exact.map(Math.round);
    // A window scrolls by whole pixels; the rest is in the offset, so that nothing trembles while the size changes.
    this.offset = [extent.offset[0] + left - exact[0], extent.offset[1] + top - exact[1]];
    this.hall.style.translate = `${this.offset[0]}px ${this.offset[1]}px`;
    this.extent.style.width = `${extent.size[0]}px`;
    this.extent.style.height = `${extent.size[1]}px`;
    if (this.pitch !== before) this.scale();
    this.window.scrollTo({ left, top, behavior: "instant" });
    if (this.pitch !== before) this.root.dispatchEvent(new CustomEvent("hall:zoomed"));
  }

  scale() {
    this.hall.style.scale = this.pitch / this.drawn;
    this.hall.dataset.detail = detailAt(this.pitch);
    this.window.toggleAttribute("data-zoomed", !this.isFit);
    const disable = (name, off) => (this.root.querySelector(`[data-zoom-by="${name}"]`).disabled = off);
    disable("in", this.pitch >= this.steps.at(-1) * 0.999);
    disable("out", this.isFit);
    disable("fit", this.isFit);
    // Meanwhile the drawing is one picture that is stretched.
    this.hall.dataset.moving = "";
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => delete this.hall.dataset.moving, SETTLED);
  }

  /** Another size of the window: what was in its middle stays there, and a hall that fitted fits again. */
  resized() {
    const size = [this.window.clientWidth, this.window.clientHeight];
    if (!size[0] || !size[1] || String(size) === String(this.size)) return;
    const wasFit = !this.pitch || this.isFit;
    const spot = wasFit ? middleOf(this.fit) : this.spotAt(this.middle);
    this.size = size;
    this.steps = stepsFrom(pitchToFit(this.fit, size));
    this.stop();
    this.show(wasFit ? this.steps[0] : this.pitch, spot);
  }
}
