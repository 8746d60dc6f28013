// Paints the seats of a hall on one canvas from pictures of chairs. A frame repaints only what has changed or moves.

import { Grid } from "hall-grid";
import { advance, clearPart, drawItems, isMoving, reachOf } from "seat-drawing";

const MOST_PARTS = 150; // seats that are repainted one by one; when more have changed the whole canvas is as cheap

export class Painter {
  /** `items`: seats by index, then row letters: {x, y} in pitches, turn in degrees; a seat has look, colour, status
      and number, a letter has text and style. `theme()` returns {dimmer, quick: ms, grown, taken, freed, focus}. */
  constructor(canvas, items, sprites, theme) {
    Object.assign(this, { canvas, items, sprites, readTheme: theme, theme: theme(), isLit: null, pitch: null });
    this.context = canvas.getContext("2d");
    canvas.addEventListener("contextrestored", () => this.repaint());
    this.grid = new Grid(items);
    for (const item of items) {
      const turn = ((item.turn ?? 0) * Math.PI) / 180;
      Object.assign(item, { cos: Math.cos(turn), sin: Math.sin(turn) });
    }
    this.moving = new Set();
    this.pointed = { hovered: null, focused: null };
  }

  /** Paint this part of the hall, in pitches, with `pitch` CSS pixels a pitch and `ratio` device pixels a CSS pixel.
      At once: a canvas that has been resized is empty. */
  view({ left, top, right, bottom, pitch, ratio }) {
    Object.assign(this, { left, top, right, bottom, pitch, ratio });
    this.canvas.width = Math.round((right - left) * pitch * ratio);
    this.canvas.height = Math.round((bottom - top) * pitch * ratio);
    this.whole = true;
    this.paint(performance.now());
  }

  /** Make the pictures of chairs anew, at the next paint: the size, the theme or a font is another. */
  renew() {
    this.theme = this.readTheme();
    this.sprites.resize(this.pitch, this.ratio);
    this.repaint();
  }

  repaint() {
    this.whole = true;
    this.request();
  }

  /** Seat `i` looks so from now on; `status` is its part of the look. The light changes within `theme.dimmer`. */
  set(i, look, status) {
    const seat = this.items[i];
    if (seat.look === look) return;
    this.touch(i, { before: seat.look, changedAt: null, look, status });
  }

  /** `name` is taken or freed and is shown until it is null. */
  event(i, name) {
    this.touch(i, { ring: name, ringAt: null });
  }

  /** The seat under the pointer; null: none. */
  hover(i) {
    this.point("hovered", i);
  }

  /** The seat with the visible focus; null: none. */
  focus(i) {
    this.point("focused", i);
  }

  point(how, i) {
    const before = this.pointed[how];
    if (before === i) return;
    this.pointed[how] = i;
    for (const each of [before, i]) {
      if (each === null) continue;
      const grownTo = Object.values(this.pointed).includes(each) ? this.theme.grown : 1;
      const grownFrom = this.items[each].grown ?? 1;
      this.touch(each, { focused: this.pointed.focused === each, grownFrom, grownTo, grownAt: null });
    }
  }

  /** Dim all seats but those for which `isLit(item)` and the visitor's own; null: none is dimmed. */
  spotlight(isLit) {
    this.isLit = isLit;
    this.repaint();
  }

  touch(i, change) {
    const item = this.items[i];
    item.painted = Math.max(item.painted ?? 0, reachOf(item, this)); // what is painted now, so that it is cleared
    Object.assign(item, change);
    this.moving.add(i);
    this.request();
  }

  request() {
    this.frame ??= requestAnimationFrame((now) => this.paint(now));
  }

  /** One repaint. What still moves then asks for the next. */
  paint(now) {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (this.pitch === null) return;
    const changed = [...this.moving];
    for (const i of changed) advance(this.items[i], now, this.theme);
    const shown = this.whole ? this.visible : changed.filter((i) => this.covers(this.items[i]));
    this.sprites.prepare(shown.flatMap((i) => [this.items[i].look, this.items[i].before]).filter(Boolean));
    if (this.whole || shown.length > MOST_PARTS) this.paintAll();
    else for (const i of shown) this.paintPart(i);
    this.whole = false;
    for (const i of changed) {
      this.items[i].painted = reachOf(this.items[i], this);
      if (!isMoving(this.items[i])) this.moving.delete(i);
    }
    if (this.moving.size) this.request();
  }

  get visible() {
    return this.grid.within(this.left, this.top, this.right, this.bottom);
  }

  covers({ x, y }) {
    return x > this.left - 1 && x < this.right + 1 && y > this.top - 1 && y < this.bottom + 1;
  }

  paintAll() {
    clearPart(this.context, 0, 0, this.canvas.width, this.canvas.height);
    drawItems(this, this.visible);
    this.context.restore();
  }

  /** Repaint the square that seat `i` covers or covered, with what else reaches into it. */
  paintPart(i) {
    const item = this.items[i];
    const reach = Math.max(item.painted ?? 0, reachOf(item, this)) / this.pitch;
    const k = this.pitch * this.ratio;
    const [x0, y0] = [Math.floor((item.x - reach - this.left) * k), Math.floor((item.y - reach - this.top) * k)];
    const [x1, y1] = [Math.ceil((item.x + reach - this.left) * k), Math.ceil((item.y + reach - this.top) * k)];
    clearPart(this.context, x0, y0, x1 - x0, y1 - y0);
    const near = this.grid.within(item.x - reach, item.y - reach, item.x + reach, item.y + reach);
    drawItems(this, near.filter((each) => {
      const other = this.items[each];
      const both = reach + reachOf(other, this) / this.pitch;
      return Math.abs(other.x - item.x) < both && Math.abs(other.y - item.y) < both;
    }));
    this.context.restore();
  }
}
