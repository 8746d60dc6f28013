// <seat-map>: wires the state of the house, the socket, the seats on the page and my lock together.

import "countdown";
import { Hall } from "hall";
import { moveByArrows, showCard } from "hall-keys";
import { HallZoom } from "hall-zoom";
import { LiveChip } from "live-chip";
import { LiveSocket } from "live-socket";
import { LockDesk } from "lock-desk";
import { Minimap } from "minimap";
import { settle, tell } from "news";
import { SeatState } from "seat-state";

class SeatMap extends HTMLElement {
  connectedCallback() {
    const { epoch, version, state, socket, lock } = this.dataset;
    this.basket = document.getElementById("basket");
    settle((this.news = document.getElementById("news")));
    this.seats = new SeatState({ epoch, v: Number(version), state });
    this.desk = new LockDesk(lock);
    this.hall = new Hall(this, (i, letter) => this.statusOf(i, letter));
    this.desk.begin(this.hall.labels.filter((_, i) => this.hall.seats[i].dataset.status === "mine"));
    this.zoom = new HallZoom(this);
    new Minimap(this, this.zoom);
    moveByArrows(this.hall);
    showCard(this.hall, this.querySelector(".seat-card"));
    this.listen();
    this.socket = new LiveSocket(socket, this.seats, {
      changed: (indices) => this.changed(indices),
      status: (name) => this.showStatus(name),
    });
    const old = () => this.say({ title: "This map may be out of date", text: "Choosing goes on in a moment." });
    this.chip = new LiveChip(document.getElementById("live"), this.hall, this.socket, old);
    this.socket.connect();
    this.desk.refresh();
  }

  listen() {
    this.addEventListener("change", (event) => event.target.name === "seats" && this.choose(event.target));
    this.addEventListener("click", (event) => this.hall.spotlight(event.target.closest(".price")));
    this.closest("form").addEventListener("submit", (event) => this.submit(event));
    this.basket.addEventListener("click", (event) => event.target.closest(".basket__head") && this.basket.toggleAttribute("data-open"));
    document.addEventListener("lock:due", () => this.desk.refresh());
    document.addEventListener("lock:ending", () => this.say({ kind: "plain", title: "30 seconds left" }));
    addEventListener("pageshow", (event) => event.persisted && this.desk.refresh());
    this.desk.addEventListener("lock:wish", () => this.paint());
    this.desk.addEventListener("lock:granted", () => this.granted());
    this.desk.addEventListener("lock:refused", ({ detail }) => this.refused(detail));
    this.desk.addEventListener("lock:over", ({ detail }) => this.over(detail));
    this.desk.addEventListener("lock:missed", () => (this.missed = true));
    this.desk.addEventListener("lock:failed", () => this.failed());
  }

  statusOf(i, letter) {
    const label = this.hall.labels[i];
    if (this.desk.holds(label) && (letter === "A" || letter === "L")) return "mine";
    const given = this.desk.given.get(label);
    if (given !== undefined && letter === "L" && this.seats.v < given) return "available";
    return null;
  }

  paint(indices) {
    return this.seats.state === null ? [] : this.hall.paint(this.seats.state, indices);
  }

  choose(box) {
    const full = box.checked && this.desk.wish.size >= Number(this.dataset.max);
    if (!this.hall.live || full) {
      box.checked = !box.checked;
      const title = full ? `At most ${this.dataset.max} seats in one booking` : "The map is catching up";
      this.say({ title, text: full ? "" : "Seats can be chosen again in a moment." });
      return;
    }
    this.desk.toggle(box.value);
  }

  changed(indices) {
    const pointed = this.hall.pointed;
    for (const [i, before, after] of this.paint(indices)) {
      if (before === "available" && after !== "mine") this.hall.flash(i, "taken");
      if (before !== "mine" && after === "available") this.hall.flash(i, "freed");
      if (i === pointed && before === "available" && after === "locked") this.say({ title: `${this.hall.labels[i]} has just been taken` });
    }
    const held = this.desk.lock.seats;
    if (this.seats.v >= this.desk.lock.v && held.some(({ i }) => "ABX".includes(this.seats.state[i]))) this.desk.refresh();
  }

  granted() {
    this.paint();
    const focused = this.basket.contains(document.activeElement);
    const url = this.basket.dataset.url;
    window.htmx.ajax("GET", url, { target: this.basket, swap: "innerHTML" }).then(() => {
      if (focused) (document.getElementById("basket-pay") ?? this.querySelector("input:enabled"))?.focus();
    });
    if (this.desk.lock.pending) this.say({ title: "The payment is being ended", text: "The seats are free in a moment." });
  }

  refused(problem) {
    this.paint();
    for (const label of problem.seats ?? []) this.hall.flash(this.hall.indexOf.get(label), "taken");
    const [title, ...rest] = problem.detail.split(/(?<=\.) /);
    this.say({ title, text: rest.join(" ") });
  }

  failed() {
    this.paint();
    this.say({ title: "That did not reach us", text: "Your seats are as they were. Please try again." });
    this.socket.check();
  }

  /** The server says so; the ring on the page may be a moment behind it, or the map a moment ahead of the ring. */
  over(lock) {
    if (lock.seats.some(({ i }) => this.seats.state?.[i] === "B")) return; // paid in another tab
    this.basket.querySelector("seat-countdown")?.dispatchEvent(new CustomEvent("lock:over", { bubbles: true }));
    this.say({ title: "The hold ran out", text: "The seats are free again. Nothing was charged." });
  }

  submit(event) {
    const button = event.submitter;
    if (button?.name === "drop") {
      event.preventDefault();
      this.desk.toggle(button.value);
    } else if (button?.value === "release") {
      event.preventDefault();
      this.desk.release();
    } else if (this.desk.busy) {
      event.preventDefault();
      this.payOnceSettled();
    }
  }

  /** The last click is still on its way to the server: go on when it has answered, with what it has granted. */
  async payOnceSettled() {
    await this.desk.settled();
    if (this.desk.wish.size) this.closest("form").requestSubmit(document.getElementById("basket-pay"));
  }

  showStatus(name) {
    this.chip.show(name);
    if (name !== "live" || !this.missed) return;
    this.missed = false;
    this.desk.refresh();
  }

  say(news) {
    tell(this.news, news);
  }
}

customElements.define("seat-map", SeatMap);
