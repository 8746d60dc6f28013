// Draws the background images of a CSS box on a canvas: gradients, linear and radial, repeated or not, as computed
// styles write them. An image that is none of these is left out.

/** Whether nothing is seen of a computed colour. */
export const isNothing = (colour) => /^rgba\(.*, 0\)$/.test(colour);

/** The parts of a CSS list, split at commas (or spaces) that are in no bracket. */
export function parts(text, at = ",") {
  const found = [""];
  let depth = 0;
  for (const letter of text) {
    depth += (letter === "(") - (letter === ")");
    if (letter === at && !depth) found.push("");
    else found[found.length - 1] += letter;
  }
  return found.map((part) => part.trim()).filter(Boolean);
}

/** A computed length or percentage in pixels; percentages are of `whole`. */
export const pixels = (text, whole) => (parseFloat(text) || 0) * (text.endsWith("%") ? whole / 100 : 1);

/** [colour, pixels] of each stop of a gradient whose line is `length` long. */
function stops(list, length) {
  const found = list.flatMap((text) => {
    const [colour, ...places] = parts(text, " ");
    return (places.length ? places : [null]).map((place) => [colour, place && pixels(place, length)]);
  });
  found.forEach((stop, i) => (stop[1] ??= i === 0 ? 0 : i === found.length - 1 ? length : (found[i - 1][1] + found[i + 1][1]) / 2));
  return found;
}

/** In CSS a stop that is transparent has the hue of its neighbour; on a canvas it would be black. */
const faded = (colour, beside) => (isNothing(colour) ? beside.replace(/^(rgba?\([^,]+,[^,]+,[^,)]+).*/, "$1, 0)") : colour);

function addStops(gradient, list, length) {
  list.forEach(([colour, at], i) => {
    for (const beside of [list[i - 1], list[i + 1]]) {
      if (beside) gradient.addColorStop(Math.min(1, Math.max(0, at / length)), faded(colour, beside[0]));
    }
  });
  return gradient;
}

function linear(context, args, { x, y, w, h }, repeats) {
  const hasAngle = args[0].endsWith("deg");
  const angle = ((hasAngle ? parseFloat(args[0]) : 180) * Math.PI) / 180;
  const [dx, dy] = [Math.sin(angle), -Math.cos(angle)];
  const length = Math.abs(w * dx) + Math.abs(h * dy);
  const [cx, cy, half] = [x + w / 2, y + h / 2, length / 2];
  let list = stops(hasAngle ? args.slice(1) : args, length);
  if (repeats) {
    const period = list.at(-1)[1];
    const times = Math.ceil(length / period);
    list = Array.from({ length: times }, (_, n) => list.map(([colour, at]) => [colour, at + n * period])).flat();
  }
  const gradient = context.createLinearGradient(cx - dx * half, cy - dy * half, cx + dx * half, cy + dy * half);
  context.fillStyle = addStops(gradient, list, length);
  context.fillRect(x, y, w, h);
}

function radial(context, args, { x, y, w, h }) {
  const [shape, place] = args[0].split("at ");
  const [atX, atY] = place.split(" ");
  const [cx, cy] = [pixels(atX, w), pixels(atY, h)];
  const sizes = shape.match(/[\d.]+(%|px)/g);
  const far = Math.hypot(Math.max(cx, w - cx), Math.max(cy, h - cy));
  const [rx, ry] = sizes ? [pixels(sizes[0], w), pixels(sizes[1], h)] : [far, far];
  context.save();
  context.translate(x + cx, y + cy);
  context.scale(1, ry / rx);
  context.fillStyle = addStops(context.createRadialGradient(0, 0, 0, 0, 0, rx), stops(args.slice(1), rx), rx);
  context.fillRect(-cx, (-cy * rx) / ry, w, (h * rx) / ry);
  context.restore();
}

/** Draw each background image of `style` in its place, the last one first; `box` is {x, y, w, h} in CSS pixels. */
export function drawImages(context, style, { x, y, w, h }) {
  const images = style.backgroundImage === "none" ? [] : parts(style.backgroundImage);
  const [sizes, places] = [parts(style.backgroundSize), parts(style.backgroundPosition)];
  images.map((image, i) => [image, i]).reverse().forEach(([image, i]) => {
    const [, name, args] = image.match(/^([a-z-]+)\((.*)\)$/s) ?? [];
    const [wide, high = "auto"] = sizes[i % sizes.length].split(" ");
    const [left, top] = places[i % places.length].split(" ");
    const [tileW, tileH] = [wide === "auto" ? w : pixels(wide, w), high === "auto" ? h : pixels(high, h)];
    const tile = { x: x + pixels(left, w - tileW), y: y + pixels(top, h - tileH), w: tileW, h: tileH };
    if (name?.endsWith("linear-gradient")) linear(context, parts(args), tile, name.startsWith("repeating"));
    if (name === "radial-gradient") radial(context, parts(args), tile);
  });
}
