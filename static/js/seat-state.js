// The state of a seat map, and what each frame does to it. Pure: no socket, no clock, no page. The rules are those of
// the protocol `bms.v1`; tests/realtime/live/vectors.json holds them for this and for any other client.

const OLDEST_AGE = 10_000; // ms since the server last asked its database

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

/** CRC-32 (zlib) of an ASCII text, unsigned. */
export function digestOf(text) {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i += 1) crc = TABLE[(crc ^ text.charCodeAt(i)) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

export class SeatState {
  constructor({ epoch = null, v = -1, state = null } = {}) {
    Object.assign(this, { epoch, v, state, live: false, asked: null, layout: null });
  }

  /** Apply a frame. Returns `{changed: indices, send: frames to send}`. */
  receive(frame) {
    const before = this.state;
    const send = [];
    this[`on_${frame.type}`]?.(frame, send);
    return { changed: changes(before, this.state), send };
  }

  on_hello(frame) {
    this.asked = null;
    if (this.epoch !== frame.epoch || frame.v < this.v) Object.assign(this, { epoch: frame.epoch, v: -1, state: null });
    this.layout = frame.layout;
    this.live = this.state !== null && this.v === frame.v;
  }

  on_snapshot(frame, send) {
    if (digestOf(frame.state) !== frame.digest) return this.ask(-1, send);
    if (frame.epoch === this.epoch && frame.v < this.v) return;
    Object.assign(this, { epoch: frame.epoch, v: frame.v, state: frame.state, live: true, asked: null });
  }

  on_delta(frame, send) {
    if (this.state === null) return this.ask(-1, send);
    if (frame.v <= this.v) return;
    if (frame.from > this.v) return this.ask(this.v, send);
    const letters = [...this.state];
    for (const [letter, seats] of Object.entries(frame.seats)) for (const i of seats) letters[i] = letter;
    Object.assign(this, { state: letters.join(""), v: frame.v });
    if (this.asked !== -1) Object.assign(this, { live: true, asked: null });
  }

  on_heartbeat(frame, send) {
    if (this.state === null) return this.ask(-1, send);
    if (frame.v > this.v) return this.ask(this.v, send);
    if (frame.v < this.v) return;
    if (frame.digest !== digestOf(this.state)) return this.ask(-1, send);
    Object.assign(this, { live: Boolean(frame.ok) && frame.age <= OLDEST_AGE, asked: null });
  }

  on_bye() {
    this.live = false;
  }

  /** Ask for what is missing since `v` (-1: everything): once, unless everything is needed now. */
  ask(v, send) {
    this.live = false;
    if (this.asked === null || (v === -1 && this.asked !== -1)) {
      this.asked = v;
      send.push({ type: "sync", epoch: this.epoch, v });
    }
  }
}

function changes(before, after) {
  if (before === after || after === null) return [];
  return [...after].flatMap((letter, i) => (before === null || before[i] !== letter ? [i] : []));
}
