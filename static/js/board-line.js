// One row of the board: numbers, bar and phase of a showtime, changed in place so that nothing moves.

const COUNTERS = ["available", "locked", "booked", "blocked", "arrived", "revenue"];
const DOORS = 30 * 60_000; // ms before the start
const FLASH = 1_600; // ms
const WORDS = { running: "running", doors: "doors open", full: "sold out", over: "over", cancelled: "cancelled", "": "" };

export class BoardLine {
  constructor(row) {
    this.row = row;
    this.showtime = Number(row.dataset.showtime);
    this.v = Number(row.dataset.v);
    [this.starts, this.ends] = [1_000 * row.dataset.starts, 1_000 * row.dataset.ends];
    const counts = row.dataset.counts.split(" ").map(Number);
    COUNTERS.forEach((name, i) => (this[name] = counts[i]));
  }

  get takesPlace() {
    return this.row.dataset.phase !== "cancelled";
  }

  /** Shows a row of a frame; flashes when a number has changed. */
  update(row, money) {
    const changed = COUNTERS.some((name) => this[name] !== row[name]);
    Object.assign(this, row);
    if (!changed) return;
    this.draw(money);
    this.row.toggleAttribute("data-changed", true);
    clearTimeout(this.flash);
    this.flash = setTimeout(() => this.row.removeAttribute("data-changed"), FLASH);
  }

  draw(money) {
    const { available, locked, booked, blocked, arrived } = this;
    const onSale = available + locked + booked;
    const counts = { arrived, to_come: booked - arrived, booked, locked, available };
    const shown = { arrived: arrived > 0, to_come: arrived > 0, booked: arrived === 0, locked: locked > 0, available: true };
    for (const each of this.row.querySelectorAll("[data-count]")) {
      each.firstElementChild.textContent = counts[each.dataset.count];
      each.hidden = !shown[each.dataset.count];
    }
    this.row.querySelector("[data-percent]").textContent = onSale ? Math.floor((100 * booked) / onSale) : 0;
    this.row.querySelector(".board__money").textContent = money(this.revenue);
    this.drawBar([arrived, booked - arrived, locked, available, blocked]);
    this.updatePhase(Date.now());
  }

  drawBar(counts) {
    const whole = counts.reduce((sum, count) => sum + count, 0) || 1;
    let x = 0;
    this.row.querySelectorAll(".fill rect").forEach((piece, i) => {
      const width = (100 * counts[i]) / whole;
      piece.setAttribute("x", `${x}%`);
      piece.setAttribute("width", `${width}%`);
      x += width;
    });
  }

  /** The phase at `now`: doors open half an hour before the start. */
  updatePhase(now) {
    if (!this.takesPlace) return;
    const soldOut = this.booked > 0 && this.available + this.locked === 0;
    const phase =
      now >= this.ends ? "over" : now >= this.starts ? "running" : now >= this.starts - DOORS ? "doors" : soldOut ? "full" : "";
    if (phase === this.row.dataset.phase) return;
    const words = this.row.querySelector(".phase");
    this.row.dataset.phase = words.dataset.phase = phase;
    words.textContent = WORDS[phase];
  }
}
