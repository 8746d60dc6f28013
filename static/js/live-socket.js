// Keeps one socket to a showtime open and feeds its frames to a SeatState. Reconnects with exponential backoff and
// full jitter; reports whether the state is live, and when the last frame came.

// All in ms.
const LONGEST_WAIT = 30_000;
const FIRST_WAIT = 500;
const SETTLED = 60_000; // live this long: the next loss starts with a short wait again
const ASK_AGAIN = 1_100; // the server answers at most one sync a second

export class LiveSocket {
  #socket = null;
  #tries = 0;
  #frames = 0;
  #spread = 1_000;
  #heartbeat = 15_000;
  #liveSince = 0;
  #timers = new Map();

  /**
   * `seats`: a SeatState; `changed(indices)` after each frame; `status(name)`: connecting, live, stale or ended;
   * `renewed()` when another epoch has begun: what was known of the showtime before may not be true any more.
   */
  constructor(path, seats, { changed, status, renewed }) {
    Object.assign(this, { path, seats, changed, status, renewed, ended: false, heardAt: Date.now() });
    document.addEventListener("visibilitychange", () => document.hidden || this.check());
    addEventListener("pageshow", (event) => event.persisted && this.check());
    addEventListener("online", () => this.check());
    addEventListener("offline", () => this.#socket?.close());
    addEventListener("pagehide", () => this.#leave());
  }

  connect() {
    if (this.ended || this.#socket) return;
    const url = new URL(this.path, location.href.replace(/^http/, "ws"));
    if (this.seats.epoch !== null && this.seats.state !== null) {
      url.search = new URLSearchParams({ epoch: this.seats.epoch, v: this.seats.v });
    }
    const socket = new WebSocket(url, "bms.v1");
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#lost(event.code));
    this.#restartSilenceTimer();
  }

  /** The tab was suspended or the network was down: ask whether the state is current. */
  check() {
    if (this.ended) return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send({ type: "sync", epoch: this.seats.epoch, v: this.seats.v });
    else this.#reconnect(0);
  }

  #receive(frame) {
    this.heardAt = Date.now();
    this.#restartSilenceTimer();
    if (frame.type === "hello") [this.#spread, this.#heartbeat] = [frame.spread, frame.heartbeat];
    if (frame.type === "bye") this.byeRetry = frame.retry;
    const { epoch } = this.seats;
    const { changed, send } = this.seats.receive(frame);
    send.forEach((each) => this.#send(each));
    this.#frames += 1;
    if (frame.type === "heartbeat" || this.#frames % 64 === 0) this.#send({ type: "ack", v: this.seats.v });
    if (changed.length) this.changed(changed);
    if (epoch !== null && this.seats.epoch !== epoch) this.renewed();
    this.#reportStatus();
    this.#timer("ask", this.seats.asked === null ? null : ASK_AGAIN, () => {
      this.#send({ type: "sync", epoch: this.seats.epoch, v: this.seats.asked ?? this.seats.v });
    });
  }

  #reportStatus() {
    if (this.seats.live && !this.#liveSince) this.#liveSince = Date.now();
    if (this.seats.live && Date.now() - this.#liveSince > SETTLED) this.#tries = 0;
    this.status(this.ended ? "ended" : this.seats.live ? "live" : this.#socket ? "stale" : "connecting");
  }

  #lost(code) {
    this.#socket = null;
    this.seats.live = false;
    this.seats.asked = null;
    if (this.#liveSince && Date.now() - this.#liveSince > SETTLED) this.#tries = 0;
    const wasLive = this.#liveSince > 0;
    this.#liveSince = 0;
    this.ended = code >= 4500 && code < 5000;
    this.#timer("silence", null);
    this.#reportStatus();
    if (!this.ended) this.#reconnect(this.#wait(wasLive));
  }

  #wait(wasLive) {
    const bye = this.byeRetry;
    this.byeRetry = undefined;
    if (wasLive && this.#tries === 0) return Math.random() * Math.min(bye ?? this.#spread, this.#spread);
    return Math.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#tries);
  }

  #reconnect(wait) {
    this.#tries += 1;
    this.#timer("connect", wait, () => this.connect());
  }

  /** No frame for two and a half heartbeats: the connection is dead, even if the browser reports it open. */
  #restartSilenceTimer() {
    this.#timer("silence", 2.5 * this.#heartbeat, () => {
      const silent = this.#socket;
      this.#lost(1006);
      silent?.close();
    });
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** An open socket would keep the browser from keeping the page. One that is connecting ends with its page by itself. */
  #leave() {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.close();
  }

  #timer(name, wait, act) {
    clearTimeout(this.#timers.get(name));
    if (wait !== null) this.#timers.set(name, setTimeout(act, wait));
  }
}
