// Which seat comes next in a direction. Pure arithmetic on the places of the seats, in seat pitches.

const AHEAD = 0.3; // pitches; a seat that is less ahead stands on the same line
const BESIDE = 0.5; // pitches; a seat further aside is not on the line of a row that ends
const SIDEWAYS = 0.5; // a seat two pitches aside is as far as one that is one row further

export class SeatOrder {
  /** `spots[i]` is [x, y]; `rows` are lists of seats, each in the order in which the row is numbered. */
  constructor(spots, rows) {
    Object.assign(this, { spots, rows, rowOf: new Map() });
    for (const row of rows) for (const seat of row) this.rowOf.set(seat, row);
  }

  /** The row of a seat from left to right, or from top to bottom if it runs that way. */
  along(seat) {
    const row = this.rowOf.get(seat);
    const [a, b] = [this.spots[row[0]], this.spots[row.at(-1)]];
    const axis = Math.abs(b[0] - a[0]) >= Math.abs(b[1] - a[1]) ? 0 : 1;
    return a[axis] <= b[axis] ? row : [...row].reverse();
  }

  /**
   * The seat that one step leads to, or null at the edge of the hall. `step` is [±1, 0] or [0, ±1]; `line` is the
   * place across the step that is aimed at, so that several steps through rows of different length keep to a column.
   */
  next(seat, step, line = this.line(seat, step)) {
    const row = this.rowOf.get(seat);
    const at = row.indexOf(seat);
    const neighbours = [row[at - 1], row[at + 1]].filter((each) => each !== undefined);
    const ahead = neighbours.find((each) => this.leads(seat, each, step) > 0);
    if (ahead !== undefined) return ahead;
    if (neighbours.some((each) => this.leads(seat, each, step) < 0)) return this.beside(seat, step);
    return (neighbours.length ? null : this.beside(seat, step)) ?? this.across(seat, step, line);
  }

  /** Where a seat is across a step: its x for a step up or down. */
  line(seat, [dx]) {
    return this.spots[seat][dx ? 1 : 0];
  }

  /** How far a seat lies in the direction of a step. */
  reach(seat, [dx, dy]) {
    return this.spots[seat][0] * dx + this.spots[seat][1] * dy;
  }

  /** 1 when `to` lies in the direction of the step, seen from `from`, -1 when it lies behind, 0 when aside. */
  leads(from, to, step) {
    const forward = this.reach(to, step) - this.reach(from, step);
    const aside = Math.abs(this.line(to, step) - this.line(from, step));
    return Math.abs(forward) > aside ? Math.sign(forward) : 0;
  }

  /** The nearest seat of another row on the same line, where a row ends. */
  beside(seat, step) {
    return this.nearest(seat, (other) => {
      const forward = this.reach(other, step) - this.reach(seat, step);
      const aside = Math.abs(this.line(other, step) - this.line(seat, step));
      return forward > AHEAD && aside <= BESIDE ? forward : Infinity;
    });
  }

  /** The nearest seat of the next row. A row may be curved, so a seat is compared with the seat of our row before it. */
  across(seat, step, line) {
    const row = this.rowOf.get(seat);
    const apart = (one, other) =>
      Math.abs(this.line(one, step) - this.line(other, step)) + Math.abs(this.reach(one, step) - this.reach(seat, step)) / 10;
    return this.nearest(seat, (other) => {
      const before = row.reduce((best, each) => (apart(each, other) < apart(best, other) ? each : best));
      const gap = this.reach(other, step) - this.reach(before, step);
      return gap > AHEAD ? Math.hypot(gap, SIDEWAYS * (this.line(other, step) - line)) : Infinity;
    });
  }

  /** The seat of another row with the smallest finite distance. */
  nearest(seat, distance) {
    const row = this.rowOf.get(seat);
    let [found, least] = [null, Infinity];
    for (const each of this.spots.keys()) {
      const far = this.rowOf.get(each) === row ? Infinity : distance(each);
      if (far < least) [found, least] = [each, far];
    }
    return found;
  }
}
