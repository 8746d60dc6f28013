// The state of the board, and what each frame does to it. Pure: no socket, no clock, no page.
// The same interface as SeatState, so that LiveSocket can feed either.

const OLDEST_AGE = 10_000; // ms since the server last asked its database

export class BoardState {
  constructor() {
    Object.assign(this, { epoch: null, v: -1, state: null, live: false, asked: null });
  }

  /** Apply a frame. Returns `{changed: showtimes whose row has changed, send: frames to send}`. */
  receive(frame) {
    const changed = [];
    const send = [];
    this[`on_${frame.type}`]?.(frame, changed, send);
    return { changed, send };
  }

  on_hello(frame) {
    this.asked = null;
    if (this.epoch !== frame.epoch || frame.v < this.v) Object.assign(this, { epoch: frame.epoch, v: -1, state: null });
    this.live = this.state !== null && this.v === frame.v;
  }

  /** Of two rows for one showtime the one with the greater version is current. Another epoch begins with all rows. */
  on_board(frame, changed) {
    if (frame.epoch !== this.epoch) Object.assign(this, { v: -1, state: null });
    this.state = new Map(this.state);
    for (const row of frame.rows) {
      if (row.v < (this.state.get(row.showtime)?.v ?? -1)) continue;
      this.state.set(row.showtime, row);
      changed.push(row.showtime);
    }
    Object.assign(this, { epoch: frame.epoch, v: Math.max(this.v, frame.v), live: true, asked: null });
  }

  on_heartbeat(frame, changed, send) {
    if (this.state !== null && frame.v <= this.v) {
      Object.assign(this, { live: Boolean(frame.ok) && frame.age <= OLDEST_AGE, asked: null });
    } else if (this.asked === null) {
      Object.assign(this, { live: false, asked: this.state === null ? -1 : this.v });
      send.push({ type: "sync", epoch: this.epoch, v: this.asked });
    }
  }

  on_bye() {
    this.live = false;
  }
}
