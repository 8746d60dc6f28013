// Draws a CSS box on a canvas from its computed style: shadows, colours, gradients, round corners, borders, polygons.
// It knows what the style sheet uses for chairs; what it does not know is left out.

import { drawImages, isNothing, parts, pixels } from "css-gradients";

/** The corner radii [x, y] of a box, clockwise from the top left, no two of a side longer than the side. */
function radii(style, { w, h }) {
  const corners = ["TopLeft", "TopRight", "BottomRight", "BottomLeft"].map((name) => {
    const [x, y = x] = style[`border${name}Radius`].split(" ");
    return [pixels(x, w), pixels(y, h)];
  });
  const [a, b, c, d] = corners;
  const sums = [[w, a[0] + b[0]], [w, c[0] + d[0]], [h, a[1] + d[1]], [h, b[1] + c[1]]];
  const fit = Math.min(1, ...sums.map(([side, sum]) => (sum ? side / sum : 1)));
  return corners.map(([x, y]) => [x * fit, y * fit]);
}

/** The outline of a rounded box, grown by `by` pixels (shrunk when negative) and moved. */
export function outline({ x, y, w, h }, corners, by = 0, [dx, dy] = [0, 0]) {
  const [left, top, right, bottom] = [x - by + dx, y - by + dy, x + w + by + dx, y + h + by + dy];
  const [a, b, c, d] = corners.map((corner) => corner.map((r) => (r ? Math.max(0, r + by) : 0)));
  const path = new Path2D();
  path.moveTo(left + a[0], top);
  path.lineTo(right - b[0], top);
  path.ellipse(right - b[0], top + b[1], ...b, 0, -Math.PI / 2, 0);
  path.ellipse(right - c[0], bottom - c[1], ...c, 0, 0, Math.PI / 2);
  path.ellipse(left + d[0], bottom - d[1], ...d, 0, Math.PI / 2, Math.PI);
  path.ellipse(left + a[0], top + a[1], ...a, 0, Math.PI, Math.PI * 1.5);
  path.closePath();
  return path;
}

function shadows(style) {
  return parts(style.boxShadow === "none" ? "" : style.boxShadow).map((text) => {
    const [x, y, blur, spread] = text.match(/-?[\d.e-]+px/g).map(parseFloat);
    const inset = text.includes("inset");
    return { x, y, blur, spread, inset, colour: text.replace(/-?[\d.e-]+px/g, "").replace("inset", "").trim() };
  });
}

/** Draw a box with its computed `style`; `box` is {x, y, w, h} in CSS pixels, `ratio` the device pixels in one. */
export function drawBox(context, style, box, ratio) {
  if (style.display === "none") return;
  const corners = radii(style, box);
  const path = outline(box, corners);
  context.save();
  context.globalAlpha *= Number(style.opacity);
  const polygon = style.clipPath.match(/polygon\((.*)\)/s);
  if (polygon) context.clip(polygonPath(polygon[1], box));
  for (const { x, y, blur, colour } of shadows(style).filter((one) => !one.inset && !isNothing(one.colour))) {
    Object.assign(context, { shadowColor: colour, shadowBlur: blur * ratio, shadowOffsetX: x * ratio, shadowOffsetY: y * ratio });
  }
  context.fillStyle = style.backgroundColor;
  context.fill(path);
  context.shadowColor = "transparent";
  context.clip(path);
  drawImages(context, style, box);
  for (const { x, y, spread, colour } of shadows(style).filter((one) => one.inset && !isNothing(one.colour)).reverse()) {
    const ring = outline({ x: box.x - 1, y: box.y - 1, w: box.w + 2, h: box.h + 2 }, [[0, 0], [0, 0], [0, 0], [0, 0]]);
    ring.addPath(outline(box, corners, -spread, [x, y]));
    context.fillStyle = colour;
    context.fill(ring, "evenodd");
  }
  context.restore();
  border(context, style, box, corners);
}

function border(context, style, box, corners) {
  const width = parseFloat(style.borderTopWidth);
  if (!width || style.borderTopStyle === "none") return;
  context.save();
  context.strokeStyle = style.borderTopColor;
  context.lineWidth = width;
  if (style.borderTopStyle === "dashed") context.setLineDash([3 * width, 2 * width]);
  context.stroke(outline(box, corners, -width / 2));
  context.restore();
}

function polygonPath(text, { x, y, w, h }) {
  const path = new Path2D();
  for (const corner of parts(text)) path.lineTo(x + pixels(corner.split(" ")[0], w), y + pixels(corner.split(" ")[1], h));
  path.closePath();
  return path;
}
