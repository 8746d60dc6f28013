// <seat-map>: wires the state of the house, the socket, the seats on the page and my lock together.

import "countdown";
import { Hall } from "hall";
import { moveByArrows, showCard } from "hall-keys";
import { HallZoom } from "hall-zoom";
import { LiveSocket } from "live-socket";
import { LockDesk } from "lock-desk";
import { tell } from "news";
import { SeatState } from "seat-state";

const FIRST_GLANCE = 1_000; // a page that has just come is true; it dims only if no socket follows

class SeatMap extends HTMLElement {
  connectedCallback() {
    const { epoch, version, state, socket, lock } = this.dataset;
    this.basket = document.getElementById("basket");
    this.news = document.getElementById("news");
    this.chip = document.getElementById("live");
    this.seats = new SeatState({ epoch, v: Number(version), state });
    this.desk = new LockDesk(lock);
    this.hall = new Hall(this, (i, letter) => this.statusOf(i, letter));
    this.desk.begin(this.hall.labels.filter((_, i) => this.hall.seats[i].dataset.status === "mine"));
    this.zoom = new HallZoom(this);
    moveByArrows(this.hall);
    showCard(this.hall, this.querySelector(".seat-card"));
    this.listen();
    this.socket = new LiveSocket(socket, this.seats, {
      changed: (indices) => this.changed(indices),
      status: (name) => this.showStatus(name),
    });
    this.glance = setTimeout(() => this.seats.live || this.dim(), FIRST_GLANCE);
    this.socket.connect();
    this.desk.refresh();
    setInterval(() => this.showAge(), 1_000);
  }

  listen() {
    this.addEventListener("change", (event) => event.target.name === "seats" && this.choose(event.target));
    this.addEventListener("click", (event) => this.spotlight(event.target.closest(".price")));
    this.closest("form").addEventListener("submit", (event) => this.submit(event));
    this.basket.addEventListener("click", (event) => event.target.closest(".basket__head") && this.basket.toggleAttribute("data-open"));
    document.addEventListener("lock:over", () => this.over());
    document.addEventListener("lock:ending", () => this.say({ kind: "plain", title: "30 seconds left" }));
    addEventListener("pageshow", (event) => event.persisted && this.desk.refresh());
    this.desk.addEventListener("lock:wish", () => this.paint());
    this.desk.addEventListener("lock:granted", () => this.granted());
    this.desk.addEventListener("lock:refused", ({ detail }) => this.refused(detail));
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
    if (!this.touchable || full) {
      box.checked = !box.checked;
      const title = full ? `At most ${this.dataset.max} seats in one booking` : "The map is catching up";
      this.say({ title, text: full ? "" : "Seats can be chosen again in a moment." });
      return;
    }
    this.desk.toggle(box.value);
  }

  get touchable() {
    return this.hall.element.dataset.live === "true";
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

  over() {
    this.desk.refresh();
    this.say({ title: "The hold ran out", text: "The seats are free again. Nothing was charged." });
  }

  async submit(event) {
    const button = event.submitter;
    if (button?.name === "drop") {
      event.preventDefault();
      this.desk.toggle(button.value);
    } else if (button?.value === "release") {
      event.preventDefault();
      this.desk.release();
    } else if (!this.settledOnce) {
      event.preventDefault();
      await this.desk.settled();
      this.settledOnce = this.desk.wish.size > 0;
      if (this.settledOnce) this.closest("form").requestSubmit(button);
      this.settledOnce = false;
    }
  }

  spotlight(price) {
    if (!price) return;
    const on = price.getAttribute("aria-pressed") !== "true";
    for (const each of this.querySelectorAll(".price")) each.setAttribute("aria-pressed", on && each === price);
    if (on) this.hall.element.dataset.spotlight = price.dataset.clothOf;
    else delete this.hall.element.dataset.spotlight;
  }

  showStatus(name) {
    if (name === "live") {
      clearTimeout(this.glance);
      this.hall.live = true;
      this.wasLive = true;
    } else if (this.wasLive || name === "ended") this.dim();
    this.chip.dataset.state = name;
    this.showAge();
  }

  dim() {
    this.hall.live = false;
  }

  showAge() {
    const age = Math.round((Date.now() - this.socket.heardAt) / 1_000);
    const words = { live: "Live", connecting: this.wasLive ? "Reconnecting" : "Connecting", stale: `${age} s old`, ended: "Ended" };
    const text = words[this.chip.dataset.state];
    if (this.chip.textContent !== text) this.chip.textContent = text;
  }

  say(news) {
    tell(this.news, news);
  }
}

customElements.define("seat-map", SeatMap);
