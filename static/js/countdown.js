// The ring: how much of the lock is left, by the server's clock. Never blinks; one announcement, at thirty seconds.

class SeatCountdown extends HTMLElement {
  connectedCallback() {
    const { until, now, share } = this.dataset;
    const left = Date.parse(until) - Date.parse(now);
    this.ends = performance.now() + left;
    this.whole = share > 0 ? (left / share) * 100 : left;
    this.announced = left <= 30_000;
    this.timer = setInterval(() => this.draw(), 250);
    this.draw();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  draw() {
    const left = Math.max(0, this.ends - performance.now());
    const seconds = Math.ceil(left / 1000);
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const clock = this.querySelector("time");
    if (clock.textContent !== text) {
      clock.textContent = text;
      this.setAttribute("aria-label", `${text} left`);
      this.querySelector(".left").setAttribute("stroke-dasharray", `${((100 * left) / this.whole).toFixed(1)} 100`);
    }
    if (left <= 30_000) this.dataset.level = "last";
    if (left <= 30_000 && !this.announced) this.emit("lock:ending");
    if (left === 0) {
      clearInterval(this.timer);
      this.emit("lock:due");
    }
  }

  emit(name) {
    this.announced = true;
    this.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  }
}

customElements.define("seat-countdown", SeatCountdown);
