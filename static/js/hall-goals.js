// Where the map goes: to the visitor's seats, to the seats of a price.

import { toReveal } from "hall-view";

/** Where a seat stands, in seat pitches. */
function spotOf(seat) {
  const place = getComputedStyle(seat);
  return [Number(place.getPropertyValue("--x")), Number(place.getPropertyValue("--y"))];
}

/** The mean of the visitor's seats (when zoomed, of the visible ones); without any, the middle of the window. */
export function goalOf(zoom) {
  const [left, top, right, bottom] = zoom.view;
  const isVisible = ([x, y]) => x > left && x < right && y > top && y < bottom;
  const mine = [...zoom.hall.querySelectorAll('.seat[data-status="mine"]')].map(spotOf);
  const spots = zoom.isFit ? mine : mine.filter(isVisible);
  if (!spots.length) return zoom.spotAt(zoom.middle);
  return [0, 1].map((axis) => spots.reduce((sum, spot) => sum + spot[axis], 0) / spots.length);
}

/** Bring these seats into view, if one of them is outside. */
export function reveal(zoom, seats) {
  if (!seats.length) return;
  const spots = seats.map(spotOf);
  const reach = (axis, most, margin) => most(...spots.map((spot) => spot[axis])) + margin;
  const box = [reach(0, Math.min, -1), reach(1, Math.min, -1), reach(0, Math.max, 1), reach(1, Math.max, 1)];
  const goal = toReveal(box, zoom.view, zoom.pitch, zoom.steps[0], zoom.size);
  if (goal) zoom.to(goal.pitch, goal.spot);
}

/** A price that is pressed brings its seats into view. */
export function revealPrices(root, zoom) {
  root.addEventListener("click", (event) => {
    const price = event.target.closest(".price");
    if (price?.getAttribute("aria-pressed") !== "true") return;
    const colour = CSS.escape(price.dataset.seatColourOf);
    reveal(zoom, [...zoom.hall.querySelectorAll(`.seat[data-seat-colour="${colour}"]`)]);
  });
}
