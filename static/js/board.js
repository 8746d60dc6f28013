// <live-board>: updates the rows of the board and their totals.

import { BoardLine } from "board-line";
import { BoardState } from "board-state";
import { LiveChip } from "live-chip";
import { LiveSocket } from "live-socket";

const DROPPED_AFTER = 3 * 3_600_000; // ms after the end
const RELOAD_EVERY = 30_000; // ms: at most this often the page asks for showtimes that it does not know

class LiveBoard extends HTMLElement {
  connectedCallback() {
    const { socket, sign, digits, zone, known } = this.dataset;
    this.known = new Set(known.split(" ").map(Number));
    this.money = (amount) => moneyText(amount, sign, Number(digits));
    this.clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
    this.day = new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeZone: zone });
    this.today = this.day.format();
    this.readLines();
    this.state = new BoardState();
    this.socket = new LiveSocket(socket, this.state, {
      changed: (showtimes) => this.update(showtimes),
      status: (name) => this.chip.show(name),
      renewed: () => this.reloadSoon(),
    });
    this.chip = new LiveChip(document.getElementById("live"), this, this.socket, () => {});
    this.socket.connect();
    setInterval(() => this.updateTime(), 1_000);
  }

  /** Whether the board is known to be current; set by LiveChip. */
  set live(isLive) {
    this.toggleAttribute("data-old", !isLive);
  }

  get live() {
    return !this.hasAttribute("data-old");
  }

  readLines() {
    const rows = [...this.querySelectorAll(".board__row")].map((row) => new BoardLine(row));
    this.lines = new Map(rows.map((line) => [line.showtime, line]));
  }

  update(showtimes) {
    for (const showtime of showtimes) this.lines.get(showtime)?.update(this.state.state.get(showtime), this.money);
    this.total();
    if (showtimes.some((showtime) => !this.known.has(showtime))) this.reloadSoon();
  }

  /** Remove a showtime that ended three hours ago. */
  drop(line) {
    this.lines.delete(line.showtime);
    line.row.remove();
    this.total();
  }

  total() {
    const counted = [...this.lines.values()].filter((line) => line.takesPlace);
    const sum = (...names) => counted.reduce((total, line) => names.reduce((part, name) => part + line[name], total), 0);
    const count = (...names) => sum(...names).toLocaleString("en-GB");
    const totals = {
      revenue: this.money(sum("revenue")),
      booked: count("booked"),
      on_sale: count("available", "locked", "booked"),
      locked: count("locked"),
      available: count("available"),
      arrived: count("arrived"),
    };
    for (const each of this.querySelectorAll("[data-total]")) each.textContent = totals[each.dataset.total];
  }

  updateTime() {
    const now = Date.now();
    const clock = document.getElementById("clock");
    const text = this.clock.format(now);
    if (clock.textContent !== text) clock.textContent = text;
    this.lines.forEach((line) => (now > line.ends + DROPPED_AFTER ? this.drop(line) : line.updatePhase(now)));
    const day = this.day.format(now);
    if (this.today !== day) this.reloadSoon();
    this.today = day;
  }

  /** Fetch the rows anew: after midnight, or when there is a showtime that the page does not know. */
  reloadSoon() {
    const wait = Math.max(0, (this.loadedAt ?? 0) + RELOAD_EVERY - Date.now());
    this.reloading ??= setTimeout(() => this.fetchLines(), wait);
  }

  async fetchLines() {
    this.loadedAt = Date.now();
    this.reloading = null;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return this.reloadSoon();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("live-board");
    if (!fresh) return;
    this.known = new Set(fresh.dataset.known.split(" ").map(Number));
    document.getElementById("board").replaceWith(page.getElementById("board"));
    this.readLines();
    this.update([...this.state.state.keys()].filter((showtime) => this.lines.has(showtime)));
  }
}

/** As the server writes it: £9,412, and pence only where there are some. */
function moneyText(amount, sign, digits) {
  const unit = 10 ** digits;
  const rest = amount % unit;
  const whole = Math.floor(amount / unit).toLocaleString("en-GB");
  return `${sign}${whole}${rest ? `.${String(rest).padStart(digits, "0")}` : ""}`;
}

customElements.define("live-board", LiveBoard);
