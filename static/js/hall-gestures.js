// What moves the map: buttons and keys, the wheel, two fingers, a dragging mouse. One finger pans natively.

import { chooseByDragging, ignoreNextClick } from "hall-row-drag";
import { HallTaps } from "hall-taps";

const WHEEL = 100; // px of a wheel that change the size by the factor e
const NOTCH = 40; // px from which an event is a step of a mouse wheel, not the finger on a trackpad
const FRICTION = 0.94; // of the speed that is left after a frame of gliding
const SLOWEST = 0.02; // px in a millisecond

/** Everything that hands do to the map but choosing a seat. */
export function listenForGestures(zoom) {
  new HallTaps(zoom);
  for (const listen of [zoomByButtonsAndKeys, zoomByWheel, zoomByPinch, panByMouse, chooseByDragging]) listen(zoom);
}

function zoomByButtonsAndKeys(zoom) {
  const { root } = zoom;
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom-by]");
    if (button) zoom.by(button.dataset.zoomBy);
  });
  root.addEventListener("keydown", (event) => {
    const action = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
    if (action && !event.defaultPrevented && !event.ctrlKey && !event.metaKey) zoom.by(action);
  });
}

/** With the control key, and so by two fingers on a trackpad. Without it a wheel pans natively. */
function zoomByWheel(zoom) {
  const turn = (event) => {
    if (!event.ctrlKey) return zoom.stop();
    event.preventDefault();
    const by = event.deltaY * (event.deltaMode ? 16 : 1);
    const factor = Math.exp(-Math.max(-NOTCH, Math.min(NOTCH, by)) / WHEEL);
    const point = zoom.pointOf(event);
    if (Math.abs(by) < NOTCH) zoom.stop();
    const pitch = (zoom.goalPitch ?? zoom.pitch) * factor;
    if (Math.abs(by) < NOTCH) zoom.show(pitch, zoom.spotAt(point), point);
    else zoom.to(pitch, zoom.spotAt(point), point);
  };
  zoom.window.addEventListener("wheel", turn, { passive: false });
}

/** The two spots of the hall stay under the two fingers. */
function zoomByPinch(zoom) {
  let start = null;
  const read = ([a, b]) => ({
    spread: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    point: zoom.pointOf({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }),
  });
  const begin = (event) => {
    start = null;
    if (event.touches.length !== 2) return;
    event.preventDefault();
    zoom.stop();
    const { spread, point } = read(event.touches);
    start = { spread, pitch: zoom.pitch, spot: zoom.spotAt(point) };
  };
  const move = (event) => {
    if (!start || event.touches.length !== 2) return;
    event.preventDefault();
    const { spread, point } = read(event.touches);
    zoom.show((start.pitch * spread) / start.spread, start.spot, point);
  };
  zoom.window.addEventListener("touchstart", begin, { passive: false });
  zoom.window.addEventListener("touchmove", move, { passive: false });
  for (const name of ["touchend", "touchcancel"]) zoom.window.addEventListener(name, () => (start = null));
}

/** A mouse pans by dragging the floor, or a seat that cannot be chosen, and the map glides on when it is let go. */
function panByMouse(zoom) {
  let gliding = 0;
  const glide = (speed, before) => {
    gliding = requestAnimationFrame((now) => {
      const frame = Math.max(0, Math.min(40, now - before)); // a frame may have begun before the mouse was let go
      zoom.window.scrollBy(speed[0] * frame, speed[1] * frame);
      const slower = speed.map((value) => value * FRICTION ** (frame / 16.7));
      if (Math.hypot(...slower) > SLOWEST) glide(slower, now);
    });
  };
  zoom.window.addEventListener("dragstart", (event) => event.preventDefault());
  zoom.window.addEventListener("pointerdown", (event) => {
    cancelAnimationFrame(gliding);
    if (event.pointerType !== "mouse" || event.button || event.target.closest(".seat:is([data-status='available'], [data-status='mine'])")) return;
    zoom.stop();
    let [last, speed] = [event, [0, 0]];
    const move = (moved) => {
      const way = [last.clientX - moved.clientX, last.clientY - moved.clientY];
      const time = Math.max(1, moved.timeStamp - last.timeStamp);
      zoom.window.scrollBy(...way);
      speed = speed.map((value, axis) => value * 0.4 + (way[axis] / time) * 0.6);
      last = moved;
    };
    const end = (up) => {
      removeEventListener("pointermove", move);
      if (last !== event) ignoreNextClick(zoom.window);
      const isAtRest = up.timeStamp - last.timeStamp > 60 || matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (!isAtRest && Math.hypot(...speed) > SLOWEST) glide(speed, performance.now());
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
  });
}
