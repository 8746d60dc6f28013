// Pictures of chairs, one for each look (kind, price colour, status …), made from the computed style of a real chair.
// So the style sheet is the only place that says what a seat looks like.

import { drawBox } from "css-box";
import { drawSign, inside, letteringOf, probe } from "seat-look";

const EDGE = 3; // CSS pixels round a chair, for its shadow and for antialiasing
const MOST_TEXTS = 400; // pictures of numbers that are kept

function bitmap(width, height, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.translate(width / 2, height / 2);
  return [canvas, context];
}

export class Sprites {
  /** `hall` is the element whose style sheet rules apply; `--u` of the chairs is given by `resize`. */
  constructor(hall) {
    this.hall = hall;
    this.known = new Map();
    this.texts = new Map();
  }

  /** From now on a seat pitch is `pitch` CSS pixels and a CSS pixel is `ratio` device pixels: all is drawn anew. */
  resize(pitch, ratio) {
    Object.assign(this, { pitch, ratio, scale: ratio < 2 ? ratio * 2 : ratio }); // finer, because most seats are turned
    this.letters = null;
    this.known.clear();
    this.texts.clear();
  }

  /** Draw those of these looks that have no picture yet. A look is attributes of a seat, as `lookOf` writes them.
      Afterwards `letters` says how row letters are written. */
  prepare(looks) {
    const missing = [...new Set(looks)].filter((look) => !this.known.has(look));
    if (!missing.length && this.letters) return;
    const probes = document.createElement("div");
    probes.className = "hall__probes";
    probes.ariaHidden = "true";
    probes.style.setProperty("--u", `${this.pitch}px`);
    const letter = document.createElement("span");
    letter.className = "row-letter";
    probes.append(...missing.map(probe), letter);
    this.hall.append(probes); // measured and removed at once: nobody else finds these seats
    missing.forEach((look, n) => this.known.set(look, this.draw(probes.children[n].firstChild)));
    this.letters = letteringOf(getComputedStyle(letter));
    probes.remove();
  }

  /** {body, mark, text, w, h, reach, scale} of a look that was prepared; lengths in CSS pixels from the chair's centre. */
  of(look) {
    return this.known.get(look);
  }

  draw(chair) {
    const style = getComputedStyle(chair);
    const [w, h] = [parseFloat(style.width), parseFloat(style.height)];
    const glow = style.filter.match(/drop-shadow\((.*) 0px 0px ([\d.]+)px\)/);
    const reach = Math.max(w, h) / 2 + EDGE + (glow ? 2.5 * glow[2] : 0);
    const [body, context] = bitmap(2 * reach, 2 * reach, this.scale);
    const whole = { x: -w / 2, y: -h / 2, w, h };
    drawBox(context, style, whole, this.scale);
    const sign = chair.querySelector("svg");
    drawBox(context, ...inside(chair, whole, "::before"), this.scale);
    if (sign) drawSign(context, ...inside(sign, whole));
    drawBox(context, ...inside(chair, whole, "::after"), this.scale);
    const [iStyle, box] = inside(chair.querySelector("i"), whole);
    const scale = style.scale === "none" ? 1 : parseFloat(style.scale);
    return { body: glow ? this.lit(body, reach, glow) : body, ...this.mark(iStyle, box), w, h, reach, scale, alpha: Number(style.opacity) };
  }

  /** The picture with light round it, as the filter `drop-shadow` makes it. */
  lit(body, reach, [, colour, deviation]) {
    const [canvas, context] = bitmap(2 * reach, 2 * reach, this.scale);
    Object.assign(context, { shadowColor: colour, shadowBlur: 2 * deviation * this.scale });
    context.drawImage(body, -reach, -reach, 2 * reach, 2 * reach);
    return canvas;
  }

  /** The mark in the middle: a picture, a text that differs from seat to seat, or neither. */
  mark(style, box) {
    const at = { x: box.x + box.w / 2, y: box.y + box.h / 2 };
    if (style.visibility === "hidden") return { mark: null, text: null, at };
    if (parseFloat(style.fontSize)) return { mark: null, text: { ...letteringOf(style), most: box.w * 1.5 }, at };
    if (style.backgroundImage === "none" && style.clipPath === "none") return { mark: null, text: null, at };
    const [canvas, context] = bitmap(box.w + 2, box.h + 2, this.scale);
    if (style.scale !== "none") context.scale(parseFloat(style.scale), parseFloat(style.scale));
    drawBox(context, style, { ...box, x: -box.w / 2, y: -box.h / 2 }, this.scale);
    return { mark: { canvas, w: box.w + 2, h: box.h + 2 }, text: null, at };
  }

  /** The picture of a short text, {canvas, w, h}; narrowed when it is wider than `style.most`. */
  text(text, style) {
    const key = `${style.font} ${style.colour} ${text}`;
    if (this.texts.has(key)) return this.texts.get(key);
    if (this.texts.size >= MOST_TEXTS) this.texts.clear();
    const measure = (this.measure ??= document.createElement("canvas").getContext("2d"));
    measure.font = style.font;
    const wide = measure.measureText(text).width;
    const w = Math.min(wide, style.most ?? wide);
    const [canvas, context] = bitmap(w + 2, style.size * 1.4, this.scale);
    Object.assign(context, { font: style.font, fillStyle: style.colour, globalAlpha: style.alpha });
    Object.assign(context, { textAlign: "center", textBaseline: "middle" });
    context.scale(w / (wide || 1), 1);
    context.fillText(text, 0, style.size * 0.06); // capitals and digits lie above the middle of the em box
    this.texts.set(key, { canvas, w: w + 2, h: style.size * 1.4 });
    return this.texts.get(key);
  }
}
