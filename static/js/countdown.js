// Deadlines, by the server's clock. <seat-countdown>: the ring, how much of the lock is left; never blinks; one
// announcement, at thirty seconds. <locked-until>: a sentence that is true until then; afterwards it says `data-over`.

class Deadline extends HTMLElement {
  connectedCallback() {
    const { until, now } = this.dataset;
    this.given = Date.parse(until) - Date.parse(now);
    // Two clocks: one stands still while the machine sleeps, the other may be set.
    [this.ends, this.endsByDate] = [performance.now() + this.given, Date.now() + this.given];
    this.timer = setInterval(() => this.draw(), 250);
    this.again = (event) => event.persisted && this.draw();
    addEventListener("pageshow", this.again);
    this.begin();
    this.draw();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    removeEventListener("pageshow", this.again);
  }

  /** ms until the deadline. */
  get left() {
    return Math.max(0, Math.min(this.ends - performance.now(), this.endsByDate - Date.now()));
  }

  begin() {}

  emit(name) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  }
}

class SeatCountdown extends Deadline {
  begin() {
    const { share } = this.dataset;
    this.whole = share > 0 ? (this.given / share) * 100 : this.given;
    this.announced = this.given <= 30_000;
  }

  draw() {
    const { left } = this;
    const seconds = Math.ceil(left / 1000);
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const clock = this.querySelector("time");
    if (clock.textContent !== text) {
      clock.textContent = text;
      this.setAttribute("aria-label", `${text} left`);
      this.querySelector(".left").setAttribute("stroke-dasharray", `${((100 * left) / this.whole).toFixed(1)} 100`);
    }
    if (left <= 30_000) this.dataset.level = "last";
    if (left <= 30_000 && !this.announced) {
      this.announced = true;
      this.emit("lock:ending");
    }
    if (left === 0) {
      clearInterval(this.timer);
      this.emit("lock:due");
    }
  }
}

class LockedUntil extends Deadline {
  draw() {
    if (this.left > 0) return;
    clearInterval(this.timer);
    this.textContent = this.dataset.over;
    this.toggleAttribute("data-is-over", true);
    this.emit("lock:over");
  }
}

customElements.define("seat-countdown", SeatCountdown);
customElements.define("locked-until", LockedUntil);
