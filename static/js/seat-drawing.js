// Draws one seat, or one row letter, as it is at one instant: between two looks, grown, with a ring.

import { outline } from "css-box";
import { easeOut, spring } from "easing";

const RING_MOVES = 600; // ms in which the ring of an event gets its shape; by then its curve has all but ended
const CORNERS = [[0.36, 0.36], [0.36, 0.36], [0.44, 0.44], [0.44, 0.44]]; // of a ring, as shares of the chair
const DIMMED = 0.25; // opacity outside the spotlight
const ROUND_RING = 6; // CSS pixels from the chair to the outer edge of the widest ring

/** Set how far each movement of the item is at `now`, from 0 to 1; a movement that has not begun begins now. */
export function advance(item, now, theme) {
  const share = (at, lasts) => (lasts > 0 ? Math.min(1, (now - at) / lasts) : 1);
  if (item.before) item.changed = share((item.changedAt ??= now), theme.dimmer);
  if (item.changed === 1) Object.assign(item, { before: null, changed: null });
  if (item.ring) item.ringMoved = theme.still ? 1 : share((item.ringAt ??= now), RING_MOVES);
  if (item.grownTo) {
    const moved = share((item.grownAt ??= now), theme.quick);
    item.grown = item.grownFrom + (item.grownTo - item.grownFrom) * easeOut(moved);
    if (moved === 1) item.grownTo = null;
  }
}

/** Whether the next frame will differ. */
export const isMoving = (item) => Boolean(item.before || item.grownTo || (item.ring && item.ringMoved < 1));

/** How far from its middle the item is painted, in CSS pixels, sideways as upwards. */
export function reachOf(item, { sprites, pitch }) {
  const zoom = pitch / sprites.pitch;
  if (!item.look) return sprites.text(item.text, sprites.letters).w * zoom;
  const { reach, w, h } = sprites.of(item.look) ?? { reach: 0, w: 0, h: 0 };
  const before = item.before ? sprites.of(item.before)?.reach ?? 0 : 0;
  const ring = item.ring || item.focused ? Math.max(w, h) / 2 + ROUND_RING : 0;
  return Math.max(reach, before, ring) * zoom * Math.max(1, item.grown ?? 1) * (Math.abs(item.cos) + Math.abs(item.sin));
}

/** Clear this part of a canvas and, until its `restore`, draw in it only. */
export function clearPart(context, ...part) {
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.beginPath();
  context.rect(...part);
  context.clip();
  context.clearRect(...part);
}

/** Draw these items of `painter` on its canvas, those that stand out last. */
export function drawItems(painter, indices) {
  const level = ({ ring, focused, grown }) => (focused ? 3 : grown > 1 ? 2 : ring ? 1 : 0);
  const raised = [];
  for (const i of indices) {
    const item = painter.items[i];
    if (level(item)) raised.push(item);
    else drawItem(painter, item);
  }
  for (const item of raised.sort((a, b) => level(a) - level(b))) drawItem(painter, item);
}

function drawItem(painter, item) {
  const { context, sprites, theme, pitch, ratio, left, top, isLit } = painter;
  const k = (ratio * pitch) / sprites.pitch;
  const size = item.look ? k * (item.grown ?? 1) * sprites.of(item.look).scale : k;
  const [cos, sin] = [item.cos * size, item.sin * size];
  context.setTransform(cos, sin, -sin, cos, (item.x - left) * pitch * ratio, (item.y - top) * pitch * ratio);
  if (!item.look) return stamp(context, sprites.text(item.text, sprites.letters), 0, 0);
  const light = isLit && item.status !== "mine" && !isLit(item) ? DIMMED : 1;
  const changed = item.before ? item.changed ?? 0 : 1;
  if (item.before) chair(context, sprites, item, item.before, light * Math.min(1, 2 - 2 * changed), 1);
  chair(context, sprites, item, item.look, light * changed, spring(changed));
  context.globalAlpha = light;
  rings(context, item, sprites.of(item.look), theme);
  context.globalAlpha = 1;
}

/** `light` is the opacity; `markSize` the size of the mark, 1 when it is at rest. */
function chair(context, sprites, item, look, light, markSize) {
  const { body, mark, text, at, reach, alpha } = sprites.of(look);
  context.globalAlpha = light * alpha;
  context.drawImage(body, -reach, -reach, 2 * reach, 2 * reach);
  if (text) stamp(context, sprites.text(item.number, text), at.x, at.y);
  if (mark) stamp(context, mark, at.x, at.y, markSize);
}

function stamp(context, { canvas, w, h }, x, y, size = 1) {
  context.drawImage(canvas, x - (w * size) / 2, y - (h * size) / 2, w * size, h * size);
}

function rings(context, { ring, ringMoved, focused }, sprite, theme) {
  const far = easeOut(ringMoved ?? 1);
  if (focused) line(context, sprite, { colour: theme.focus, width: 2.5, offset: 2 });
  else if (ring) line(context, sprite, { colour: theme[ring], width: 5 - 3 * far, offset: -2 + 4 * far, dashed: ring === "taken" });
}

/** A line round the chair, `offset` pixels away from it. */
function line(context, { w, h }, { colour, width, offset, dashed }) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashed ? [3 * width, 2 * width] : []);
  const corners = CORNERS.map(([x, y]) => [x * w, y * h]);
  context.stroke(outline({ x: -w / 2, y: -h / 2, w, h }, corners, offset + width / 2));
}
