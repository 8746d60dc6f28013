// What part of the hall a window shows: fitting, zooming about a spot, keeping inside. Arithmetic only.
//
// Lengths of the hall are seat pitches, those of the window CSS pixels; a pitch is given in CSS pixels. A box is
// [left, top, right, bottom]; a spot, a size and a point are [x, y]. `plan` is the size of the whole drawing, `fit` the
// box that the first view shows: all seats, and the screen.

export const FINGER = 48; // px of a pitch from which the narrowest seat, .93 of it, is a target of 44 px
export const LARGEST = 76;
const DETAILS = [[44, "all"], [30, "numbers"], [20, "letters"], [0, "none"]]; // what can be read, by the least pitch
const MARGIN = 4; // px that stay free round a hall that fits
const STEP = 2; // a step of the zoom at most doubles the size

const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

/** The pitch at which the box just fits into the window. */
export function pitchToFit([left, top, right, bottom], [width, height]) {
  return Math.max(1, Math.min((width - 2 * MARGIN) / (right - left), (height - 2 * MARGIN) / (bottom - top)));
}

/** The sizes that the buttons step through: from the whole hall, over the size for a finger, to the largest. */
export function stepsFrom(smallest) {
  const steps = [smallest];
  for (const goal of [FINGER, Math.max(LARGEST, smallest * 1.6)]) {
    const from = steps.at(-1);
    const count = Math.ceil(Math.log(goal / from) / Math.log(STEP) - 1e-9);
    for (let n = 1; n <= count; n += 1) steps.push(from * (goal / from) ** (n / count));
  }
  return steps;
}

/** The pitch after one step `in`, `out`, to the whole hall (`fit`), or in and from the largest back to it (`next`). */
export function stepped(steps, pitch, action) {
  const larger = steps.find((step) => step > pitch * 1.02);
  if (action === "in") return larger ?? steps.at(-1);
  if (action === "out") return steps.findLast((step) => step < pitch / 1.02) ?? steps[0];
  return action === "next" ? (larger ?? steps[0]) : steps[0];
}

/**
 * Where the drawing lies in what can be scrolled: `offset` of its corner and `size` of the whole, in pixels. There is
 * room beside the drawing only where the middle of `fit` could not be in the middle of the window otherwise.
 */
export function extentOf(plan, fit, pitch, size) {
  const axes = [0, 1].map((axis) => {
    const middle = (fit[axis] + fit[axis + 2]) / 2;
    const before = Math.max(0, size[axis] / 2 - middle * pitch);
    const after = Math.max(0, size[axis] / 2 - (plan[axis] - middle) * pitch);
    return { offset: before, size: before + plan[axis] * pitch + after };
  });
  return { offset: axes.map((axis) => axis.offset), size: axes.map((axis) => axis.size) };
}

/** The scroll position that brings a spot of the hall under a point of the window, or as near as it can. */
export function scrollFor(extent, pitch, size, spot, at) {
  return [0, 1].map((axis) =>
    clamp(extent.offset[axis] + spot[axis] * pitch - at[axis], 0, Math.max(0, extent.size[axis] - size[axis])),
  );
}

/** The spot of the hall under a point of the window. */
export function spotAt(corner, pitch, at) {
  return [0, 1].map((axis) => (at[axis] - corner[axis]) / pitch);
}

/** The pitch and spot that bring a box into the middle of the window, no larger than now; null when it is in `view`. */
export function toReveal(box, view, pitch, smallest, size) {
  const isSeen = box[0] >= view[0] && box[1] >= view[1] && box[2] <= view[2] && box[3] <= view[3];
  if (isSeen) return null;
  return { pitch: clamp(pitchToFit(box, size), smallest, Math.max(smallest, pitch)), spot: middleOf(box) };
}

export function middleOf([left, top, right, bottom]) {
  return [(left + right) / 2, (top + bottom) / 2];
}

/** What can be read: "all"; "numbers" of seats of up to three characters; "letters" of rows; "none". */
export function detailAt(pitch) {
  return DETAILS.find(([least]) => pitch >= least)[1];
}

/** Between two pitches so that equal shares look like equal steps. */
export function pitchBetween(from, to, share) {
  return from * (to / from) ** share;
}
