// Finds what lies in a part of the hall without looking at all seats.

const SIZE = 4; // pitches
const FARTHEST = 2; // pitches: nothing is painted further from its middle

export class Grid {
  /** `items`: objects with x and y in pitches. */
  constructor(items) {
    this.cells = new Map();
    items.forEach(({ x, y }, i) => {
      const key = `${Math.floor(x / SIZE)} ${Math.floor(y / SIZE)}`;
      if (!this.cells.has(key)) this.cells.set(key, []);
      this.cells.get(key).push(i);
    });
  }

  /** Indices, in order, of all items that may reach into this part; some others may be among them. */
  within(left, top, right, bottom) {
    const [x0, y0, x1, y1] = [left - FARTHEST, top - FARTHEST, right + FARTHEST, bottom + FARTHEST].map((at) => Math.floor(at / SIZE));
    const found = [];
    for (let y = y0; y <= y1; y += 1) {
      for (let x = x0; x <= x1; x += 1) found.push(...(this.cells.get(`${x} ${y}`) ?? []));
    }
    return found.sort((a, b) => a - b);
  }
}
