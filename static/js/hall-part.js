// Which part of a hall is painted: the window and something round it, so that scrolling shows no gap, but not the whole
// of a large hall, whose canvas could be larger than a browser allows.

const MARGIN = 0.5; // of the window, on each side
const SOON = 0.12; // of the window: when the edge of what is painted is so near, more is painted
const MOST_PIXELS = 9e6; // of the canvas; phones refuse more than 16.7 million
const EDGE = 0.7; // pitches outside the hall: rings and light

/** The part to paint next, {left, top, right, bottom} in pitches, for the visible part `view` of a hall of `size`; null when
    `part`, which is painted, is enough. `density` is device pixels a pitch; `finer` (at most 1) is how much of it fits. */
export function partToPaint(view, size, part, density) {
  const within = (by, beyond) => {
    const [wide, high] = [by * (view[2] - view[0]), by * (view[3] - view[1])];
    return {
      left: Math.max(-beyond, view[0] - wide), top: Math.max(-beyond, view[1] - high),
      right: Math.min(size[0] + beyond, view[2] + wide), bottom: Math.min(size[1] + beyond, view[3] + high),
    };
  };
  const visible = within(SOON, 0);
  const isEmpty = visible.right <= visible.left || visible.bottom <= visible.top;
  if (isEmpty || (part && contains(part, visible))) return null;
  const pixels = ({ left, top, right, bottom }) => (right - left) * (bottom - top) * density ** 2;
  const wanted = [within(MARGIN, EDGE), within(1.5 * SOON, EDGE)];
  const next = wanted.find((one) => pixels(one) <= MOST_PIXELS) ?? wanted[1];
  return { ...next, finer: Math.min(1, Math.sqrt(MOST_PIXELS / pixels(next))) };
}

const contains = (outer, inner) =>
  outer.left <= inner.left && outer.top <= inner.top && outer.right >= inner.right && outer.bottom >= inner.bottom;
