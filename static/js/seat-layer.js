// The painted seats of a hall: a canvas under the checkboxes. What a label says (`data-status`, `data-event` and any
// other `data-` attribute that the style sheet selects by) is painted; the labels themselves are not painted any more.
// Without script, on paper and with forced colours the chairs of the style sheet are shown instead.

import { partToPaint } from "hall-part";
import { Painter } from "painter";
import { lookOf } from "seat-look";
import { Sprites } from "sprites";

const PAINTED = "screen and (scripting: enabled) and (forced-colors: none)"; // as in the style sheet
const RESTS_AFTER = 150; // ms without a change of scale; then chairs are drawn in their new size

export class SeatLayer {
  /** `zoom` has window, view and pitch, and announces each change of scale as `hall:zoomed` on `root`. */
  constructor(root, hall, zoom) {
    Object.assign(this, { root, hall, zoom, element: hall.element, part: null, lightKey: " " });
    this.canvas = document.createElement("canvas");
    this.canvas.className = "hall__seats";
    this.canvas.ariaHidden = "true";
    this.shown = matchMedia(PAINTED);
    this.size = ["--hall-width", "--hall-depth"].map((name) => Number(getComputedStyle(this.element).getPropertyValue(name)));
    this.painter = new Painter(this.canvas, [...this.seats(), ...this.letters()], new Sprites(this.element), () => this.theme());
    this.element.querySelector(".row").before(this.canvas);
    this.renew();
    this.element.dataset.painted = "";
    this.listen();
  }

  seats() {
    return this.hall.seats.map((seat) => {
      const { kind, seatColour: colour, status } = seat.dataset;
      return { ...spot(seat), seat, kind, colour, status, look: lookOf(seat), number: seat.querySelector("i").textContent };
    });
  }

  letters() {
    return [...this.element.querySelectorAll(".row-letter")].map((letter) => ({ ...spot(letter), text: letter.textContent }));
  }

  listen() {
    new MutationObserver((records) => this.changed(records)).observe(this.element, { attributes: true, subtree: true });
    const fit = () => this.request();
    this.root.addEventListener("hall:zoomed", () => this.zoomed());
    this.zoom.window.addEventListener("scroll", fit, { passive: true });
    addEventListener("resize", () => this.zoomed());
    for (const query of [PAINTED, "(prefers-contrast: more)", "(prefers-reduced-motion: reduce)"]) {
      matchMedia(query).addEventListener("change", () => this.renew());
    }
    document.fonts.ready.then(() => this.renew());
    for (const name of ["pointerover", "pointerleave", "focusin", "focusout"]) {
      this.element.addEventListener(name, (event) => this.pointed(event));
    }
  }

  /** `hall` knows which seat is pointed at; a finger and a seat that cannot be chosen make no chair grow. */
  pointed({ pointerType }) {
    const { hovered, focused, boxes } = this.hall;
    const box = boxes[hovered];
    if (pointerType) this.painter.hover(pointerType === "touch" || !box || box.disabled || box.ariaDisabled === "true" ? null : hovered);
    this.painter.focus(focused);
  }

  /** Attributes of labels or of the hall have changed. */
  changed(records) {
    for (const seat of new Set(records.map(({ target }) => target))) {
      if (seat === this.element) this.light(seat.dataset);
      if (!seat.classList.contains("seat")) continue;
      const [i, look, event] = [Number(seat.dataset.i), lookOf(seat), seat.dataset.event ?? null];
      this.painter.set(i, look, seat.dataset.status);
      if ((this.painter.items[i].ring ?? null) !== event) this.painter.event(i, event);
    }
  }

  /** A price or a filter is pressed: what does not match is dimmed. */
  light({ spotlight: colour = "", filter = "" }) {
    const key = `${colour} ${filter}`;
    if (key === this.lightKey) return;
    this.lightKey = key;
    const isLit = (item) => (!colour || item.colour === colour) && !item.seat.classList.contains("seat--dim");
    this.painter.spotlight(colour || filter ? isLit : null);
  }

  zoomed() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.renew(), RESTS_AFTER);
    this.request();
  }

  request() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.cover();
    });
  }

  /** Paint everything anew in its present size, with pictures of that size. */
  renew() {
    if (!this.shown.matches) return;
    this.part = null;
    this.painter.pitch = this.zoom.pitch;
    this.painter.ratio = devicePixelRatio;
    this.painter.renew();
    this.cover();
  }

  /** See to it that what is painted reaches beyond the window. Between two sizes the canvas is stretched with the hall. */
  cover() {
    if (!this.shown.matches) return;
    const { view, pitch } = this.zoom;
    const next = partToPaint(view, this.size, this.part, pitch * devicePixelRatio);
    if (!next) return;
    this.part = next;
    const { left, top, right, bottom, finer } = next;
    for (const [name, value] of Object.entries({ x: left, y: top, wide: right - left, high: bottom - top })) {
      this.canvas.style.setProperty(`--${name}`, value);
    }
    this.painter.view({ left, top, right, bottom, pitch, ratio: devicePixelRatio * finer });
  }

  /** Times, sizes and colours that are not in the pictures of chairs. */
  theme() {
    const style = getComputedStyle(this.element);
    const token = (name) => style.getPropertyValue(name).trim();
    const time = (name) => parseFloat(token(name)) * (token(name).endsWith("ms") ? 1 : 1_000);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return {
      still, dimmer: time("--time-dimmer"), quick: time("--time-quick"), grown: still ? 1 : 1.14,
      taken: token("--seat-taken-flash"), freed: token("--seat-freed-flash"), focus: token("--color-focus"),
    };
  }
}

function spot(element) {
  const style = getComputedStyle(element);
  const [x, y, turn] = ["--x", "--y", "--turn"].map((name) => parseFloat(style.getPropertyValue(name)) || 0);
  return { x, y, turn };
}
