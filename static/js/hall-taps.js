// Taps. In the overview, where a seat is smaller than a finger, a tap goes there and takes nothing. A double tap on the
// floor zooms; on a seat its second half does nothing, so that nobody takes a seat and gives it back at once.

import { FINGER } from "hall-view";

const REACH = 12; // px that a finger may move in a tap
const LONGEST = 500; // ms after which it is no tap
const DOUBLE = 350; // ms between the two taps of a double tap

export class HallTaps {
  #down = null; // the finger that may become a tap
  #tap = { timeStamp: -Infinity };
  #wentAt = -Infinity; // when a tap has zoomed
  #click = { timeStamp: -Infinity };
  #isTouch = false;
  #pressedAt = 0;

  constructor(zoom) {
    this.zoom = zoom;
    const listen = (name, act, capture = false) => zoom.window.addEventListener(name, act, capture);
    listen("pointerdown", (event) => this.press(event));
    listen("pointercancel", () => (this.#down = null));
    listen("pointerup", (event) => this.#isTap(event) && this.tap(event));
    listen("click", (event) => this.click(event), true);
    listen("dblclick", (event) => this.doubleClick(event));
  }

  press(event) {
    this.#isTouch = event.pointerType === "touch";
    this.#pressedAt = event.timeStamp;
    this.#down = this.#isTouch && event.isPrimary ? event : null;
  }

  #isTap(event) {
    const down = this.#down;
    this.#down = null;
    return down?.pointerId === event.pointerId && isNear(down, event) && event.timeStamp - down.timeStamp < LONGEST;
  }

  /** Whether the finger was put down before, or so soon after another event that both are one double tap. */
  #follows(timeStamp) {
    return this.#pressedAt - timeStamp < DOUBLE;
  }

  tap(event) {
    const { zoom } = this;
    const before = this.#tap;
    this.#tap = event;
    if (this.#follows(this.#wentAt)) return; // the second half of a double tap
    const point = zoom.pointOf(event);
    if (zoom.isOverview) zoom.to(FINGER, zoom.spotAt(point));
    else if (this.#follows(before.timeStamp) && isNear(before, event) && !isSeat(event)) zoom.by("next", point);
    else return;
    this.#wentAt = event.timeStamp;
  }

  /** Before any other listener: what takes no seat. Keys make clicks too, with the detail 0. */
  click(event) {
    if (!event.target.matches(".seat input") || !event.detail) return;
    const isDouble = event.detail > 1 || (this.#isTouch && this.#follows(this.#click.timeStamp));
    const hasGone = this.#isTouch && (this.zoom.isOverview || this.#follows(this.#wentAt));
    if (hasGone || (isDouble && event.target === this.#click.target)) {
      event.preventDefault();
      event.stopPropagation();
    } else this.#click = { target: event.target, timeStamp: event.timeStamp };
  }

  doubleClick(event) {
    if (!this.#isTouch && !isSeat(event)) this.zoom.by("next", this.zoom.pointOf(event));
  }
}

function isSeat(event) {
  return event.target.closest(".seat") !== null;
}

function isNear(a, b) {
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) < REACH;
}
