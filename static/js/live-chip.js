// Shows in words how old the map is, and dims the map while it is not live, in the same animation frame.

const REPORT_LOSS_AFTER = 1_500; // ms; most connections are back sooner
const SHOW_AGE_FROM = 10; // s
const FIRST_SOCKET_TIMEOUT = 1_000; // ms; a page is current when it arrives, and dims if no socket follows

export class LiveChip {
  /** `old()` is called once for each loss longer than REPORT_LOSS_AFTER. */
  constructor(chip, hall, socket, old) {
    Object.assign(this, { chip, hall, socket, old, wasLive: false, loss: null });
    this.firstSocket = setTimeout(() => (hall.live = false), FIRST_SOCKET_TIMEOUT);
    setInterval(() => this.draw(), 1_000);
  }

  /** `name`: connecting, live, stale or ended. */
  show(name) {
    if (name === "live") {
      clearTimeout(this.firstSocket);
      clearTimeout(this.loss);
      this.loss = null;
      this.wasLive = this.hall.live = true;
    } else if (this.wasLive || name === "ended") {
      this.hall.live = false;
      this.loss ??= setTimeout(() => this.old(), REPORT_LOSS_AFTER);
    }
    this.chip.dataset.state = name;
    this.draw();
  }

  /** The age is not announced: a screen reader would read it every second. */
  draw() {
    const age = Math.round((Date.now() - this.socket.heardAt) / 1_000);
    const again = age < SHOW_AGE_FROM ? "Reconnecting" : `Reconnecting, ${age} s`;
    const words = { live: "Live", connecting: this.wasLive ? again : "Connecting", stale: `${age} s old`, ended: "Ended" };
    const text = words[this.chip.dataset.state];
    this.chip.ariaLive = /\d/.test(text) ? "off" : "polite";
    if (this.chip.textContent !== text) this.chip.textContent = text;
  }
}
