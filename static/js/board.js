// <live-board>: keeps the lines of the board and their totals true.

import { BoardLine } from "board-line";
import { BoardState } from "board-state";
import { LiveChip } from "live-chip";
import { LiveSocket } from "live-socket";

const ENDED_AGO = 3 * 3_600_000;
const NEW_LINES = 30_000; // at most this often the page looks for showtimes that it does not know

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
      changed: (showtimes) => this.take(showtimes),
      status: (name) => this.chip.show(name),
    });
    this.chip = new LiveChip(document.getElementById("live"), this, this.socket, () => {});
    this.socket.connect();
    setInterval(() => this.tellTime(), 1_000);
  }

  /** LiveChip's word for: what is shown is true. */
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

  take(showtimes) {
    for (const showtime of showtimes) this.lines.get(showtime)?.take(this.state.state.get(showtime), this.money);
    this.total();
    if (showtimes.some((showtime) => !this.known.has(showtime))) this.lookAgain();
  }

  /** What ended three hours ago is no longer on the board. */
  drop(line) {
    this.lines.delete(line.showtime);
    line.row.remove();
    this.total();
  }

  total() {
    const held = [...this.lines.values()].filter((line) => line.isHeld);
    const sum = (...names) => held.reduce((total, line) => names.reduce((part, name) => part + line[name], total), 0);
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

  tellTime() {
    const now = Date.now();
    const clock = document.getElementById("clock");
    const text = this.clock.format(now);
    if (clock.textContent !== text) clock.textContent = text;
    this.lines.forEach((line) => (now > line.ends + ENDED_AGO ? this.drop(line) : line.tellTime(now)));
    const day = this.day.format(now);
    if (this.today !== day) this.lookAgain();
    this.today = day;
  }

  /** A showtime has come that the page was made without, or midnight: fetch the lines, now or when it is time. */
  lookAgain() {
    const wait = Math.max(0, (this.lookedAt ?? 0) + NEW_LINES - Date.now());
    this.looking ??= setTimeout(() => this.fetchLines(), wait);
  }

  async fetchLines() {
    this.lookedAt = Date.now();
    this.looking = null;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return this.lookAgain();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("live-board");
    if (!fresh) return;
    this.known = new Set(fresh.dataset.known.split(" ").map(Number));
    document.getElementById("board").replaceWith(page.getElementById("board"));
    this.readLines();
    this.take([...this.state.state.keys()].filter((showtime) => this.lines.has(showtime)));
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
