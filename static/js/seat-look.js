// What a chair looks like: the attributes that decide it, and the computed style of a chair that has them.

import { pixels } from "css-gradients";

/** The attributes of a seat that a style sheet may select by, as one text. */
export function lookOf(seat) {
  let look = "";
  for (const { name, value } of seat.attributes) {
    if (name.startsWith("data-") && name !== "data-i" && name !== "data-event") look += `${name}=${value}\n`;
  }
  return look;
}

/** A seat with this look, as `lookOf` writes it, without a checkbox. */
export function probe(look) {
  const [seat, chair] = [document.createElement("span"), document.createElement("span")];
  seat.className = "seat";
  for (const line of look.trim().split("\n")) seat.setAttribute(...line.split(/=(.*)/s, 2));
  chair.className = "chair";
  if (seat.dataset.kind === "wheelchair") chair.append(document.querySelector(".chair__sign").cloneNode(true));
  chair.append(document.createElement("i"));
  seat.append(chair);
  return seat;
}

/** The computed style of a part of a chair, and its box. */
export function inside(element, { x, y, w, h }, pseudo) {
  const style = getComputedStyle(element, pseudo);
  const [left, top, right, bottom] = [style.left, style.top, style.right, style.bottom].map((side, n) => pixels(side, n % 2 ? h : w));
  return [style, { x: x + left, y: y + top, w: w - left - right, h: h - top - bottom }];
}

/** Draw the lines and dots of the sign for a wheelchair. */
export function drawSign(context, style, { x, y, w }) {
  if (style.display === "none") return;
  const symbol = document.getElementById("i-wheelchair");
  context.save();
  context.translate(x, y);
  context.scale(w / 24, w / 24);
  Object.assign(context, { strokeStyle: style.stroke, fillStyle: style.color, lineWidth: parseFloat(style.strokeWidth) });
  Object.assign(context, { lineCap: "round", lineJoin: "round" });
  for (const line of symbol.querySelectorAll("path")) context.stroke(new Path2D(line.getAttribute("d")));
  for (const dot of symbol.querySelectorAll("circle")) {
    context.beginPath();
    context.arc(...["cx", "cy", "r"].map((name) => Number(dot.getAttribute(name))), 0, 2 * Math.PI);
    context.fill();
  }
  context.restore();
}

/** What a canvas needs to write like this computed style. Of widths a canvas knows keywords only. */
export function letteringOf(style) {
  const narrow = parseFloat(style.fontStretch) < 85 ? "condensed" : "normal";
  const font = `${style.fontStyle} ${style.fontWeight} ${narrow} ${style.fontSize} ${style.fontFamily}`;
  return { font, size: parseFloat(style.fontSize), colour: style.color, alpha: style.visibility === "hidden" ? 0 : Number(style.opacity) };
}
