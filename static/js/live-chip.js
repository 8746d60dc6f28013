// Says in words how old the map is, and dims the house while it is not live: within the frame that says so.

const NOT_WORTH_A_WORD = 1_500; // most losses heal faster
const WORTH_A_NUMBER = 10; // seconds
const FIRST_GLANCE = 1_000; // a page that has just come is true; it dims only if no socket follows

export class LiveChip {
  /** `old()` is called once for each loss that lasts. */
  constructor(chip, hall, socket, old) {
    Object.assign(this, { chip, hall, socket, old, wasLive: false, loss: null });
    this.glance = setTimeout(() => (hall.live = false), FIRST_GLANCE);
    setInterval(() => this.draw(), 1_000);
  }

  /** `name`: connecting, live, stale or ended. */
  show(name) {
    if (name === "live") {
      clearTimeout(this.glance);
      clearTimeout(this.loss);
      this.loss = null;
      this.wasLive = this.hall.live = true;
    } else if (this.wasLive || name === "ended") {
      this.hall.live = false;
      this.loss ??= setTimeout(() => this.old(), NOT_WORTH_A_WORD);
    }
    this.chip.dataset.state = name;
    this.draw();
  }

  /** The age is for the eye: said every second it would drown everything else. */
  draw() {
    const age = Math.round((Date.now() - this.socket.heardAt) / 1_000);
    const again = age < WORTH_A_NUMBER ? "Reconnecting" : `Reconnecting, ${age} s`;
    const words = { live: "Live", connecting: this.wasLive ? again : "Connecting", stale: `${age} s old`, ended: "Ended" };
    const text = words[this.chip.dataset.state];
    this.chip.ariaLive = /\d/.test(text) ? "off" : "polite";
    if (this.chip.textContent !== text) this.chip.textContent = text;
  }
}
