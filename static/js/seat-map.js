// <seat-map>: connects the state of the map, the socket, the seats on the page and my lock.

import "countdown";
import { Hall } from "hall";
import { moveByArrows, showCard } from "hall-keys";
import { HallZoom } from "hall-zoom";
import { LiveChip } from "live-chip";
import { LiveSocket } from "live-socket";
import { LockClient } from "lock-client";
import { Minimap } from "minimap";
import { actionOf, removeLater, showNews } from "news";
import { SeatState } from "seat-state";

const RENEWAL_SPREAD = 2_000; // ms over which visitors without seats ask again, when all maps are renewed at once

class SeatMap extends HTMLElement {
  connectedCallback() {
    const { epoch, version, state, socket, lock } = this.dataset;
    this.basket = document.getElementById("basket");
    removeLater((this.news = document.getElementById("news")));
    this.seats = new SeatState({ epoch, v: Number(version), state });
    this.lockClient = new LockClient(lock);
    this.hall = new Hall(this, (i, status) => this.statusOf(i, status));
    this.lockClient.start(this.hall.labels.filter((_, i) => this.hall.seats[i].dataset.status === "mine"));
    this.zoom = new HallZoom(this);
    new Minimap(this, this.zoom);
    moveByArrows(this.hall);
    showCard(this.hall, this.querySelector(".seat-card"));
    this.listen();
    this.socket = new LiveSocket(socket, this.seats, {
      changed: (indices) => this.changed(indices),
      status: (name) => this.showStatus(name),
      renewed: () => this.renewed(),
    });
    const old = () => this.show({ title: "This map may be out of date", text: "Choosing goes on in a moment." });
    this.chip = new LiveChip(document.getElementById("live"), this.hall, this.socket, old);
    this.socket.connect();
    this.lockClient.refresh();
  }

  listen() {
    this.addEventListener("change", (event) => event.target.name === "seats" && this.choose(event.target));
    this.addEventListener("click", (event) => this.hall.spotlight(event.target.closest(".price")));
    this.closest("form").addEventListener("submit", (event) => this.submit(event));
    this.basket.addEventListener("click", (event) => event.target.closest(".basket__head") && this.basket.toggleAttribute("data-open"));
    document.addEventListener("lock:due", () => this.lockClient.refresh());
    document.addEventListener("lock:ending", () => this.show({ kind: "plain", title: "30 seconds left" }));
    addEventListener("pageshow", (event) => event.persisted && this.lockClient.refresh());
    this.lockClient.addEventListener("lock:requested", () => this.paint());
    this.lockClient.addEventListener("lock:granted", () => this.granted());
    this.lockClient.addEventListener("lock:refused", ({ detail }) => this.refused(detail));
    this.lockClient.addEventListener("lock:expired", ({ detail }) => this.expired(detail));
    this.lockClient.addEventListener("lock:missed", () => (this.missed = true));
    this.lockClient.addEventListener("lock:failed", () => this.failed());
  }

  /** What is shown instead of the stored status: mine, or available for a seat that I have just released. */
  statusOf(i, status) {
    const { requested, released } = this.lockClient;
    const label = this.hall.labels[i];
    if (requested.has(label) && (status === "available" || status === "locked")) return "mine";
    return status === "locked" && this.seats.v < released.get(label) ? "available" : null;
  }

  paint(indices) {
    return this.seats.state === null ? [] : this.hall.paint(this.seats.state, indices);
  }

  choose(box) {
    const full = box.checked && this.lockClient.requested.size >= Number(this.dataset.max);
    if (!this.hall.live || full) {
      box.checked = !box.checked;
      const title = full ? `At most ${this.dataset.max} seats in one booking` : "The map is catching up";
      this.show({ title, text: full ? "" : "Seats can be chosen again in a moment." });
      return;
    }
    this.lockClient.toggle(box.value);
  }

  changed(indices) {
    const pointed = this.hall.pointed;
    for (const [i, before, after] of this.paint(indices)) {
      if (before === "available" && after !== "mine") this.hall.flash(i, "taken");
      if (before !== "mine" && after === "available") this.hall.flash(i, "freed");
      if (i === pointed && before === "available" && after === "locked") this.show({ title: `${this.hall.labels[i]} has just been taken` });
    }
    const { v, seats } = this.lockClient.lock;
    if (this.seats.v >= v && seats.some(({ i }) => this.hall.statusIn(this.seats.state, i) !== "locked")) this.lockClient.refresh();
  }

  /** Another epoch: the records may have gone back. What was mine may not be, so the server is asked. */
  async renewed() {
    const before = this.lockClient.lock.seats.map((seat) => seat.label);
    this.lockClient.forgetReleased();
    if (!before.length) await new Promise((resolve) => setTimeout(resolve, Math.random() * RENEWAL_SPREAD));
    await this.lockClient.refresh();
    const mine = this.lockClient.lock.seats.map((seat) => seat.label);
    const lost = before.filter((label) => !mine.includes(label));
    if (lost.length) this.show({ title: `No longer held for you: ${lost.join(", ")}`, text: "Please choose again." });
  }

  granted() {
    this.paint();
    const focused = this.basket.contains(document.activeElement);
    const url = this.basket.dataset.url;
    window.htmx.ajax("GET", url, { target: this.basket, swap: "innerHTML" }).then(() => {
      if (focused) (document.getElementById("basket-pay") ?? this.querySelector("input:enabled"))?.focus();
    });
    if (this.lockClient.lock.pending) this.show({ title: "The payment is being ended", text: "The seats are free in a moment." });
  }

  refused(problem) {
    this.paint();
    for (const label of problem.seats ?? []) this.hall.flash(this.hall.indexOf.get(label), "taken");
    const [title, ...rest] = problem.detail.split(/(?<=\.) /);
    this.show({ title, text: rest.join(" "), action: problem.sign_in && actionOf(document.getElementById("sign-in")) });
  }

  failed() {
    this.paint();
    this.show({ title: "That did not reach us", text: "Your seats are as they were. Please try again." });
    this.socket.check();
  }

  /** The server has said that the lock expired; the countdown on the page may be a moment early or late. */
  expired(lock) {
    if (lock.seats.some(({ i }) => this.hall.statusIn(this.seats.state, i) === "booked")) return; // paid in another tab
    this.basket.querySelector("seat-countdown")?.dispatchEvent(new CustomEvent("lock:expired", { bubbles: true }));
    this.show({ title: "The hold ran out", text: "The seats are free again. Nothing was charged." });
  }

  submit(event) {
    const button = event.submitter;
    if (button?.name === "drop") {
      event.preventDefault();
      this.lockClient.toggle(button.value);
    } else if (button?.value === "release") {
      event.preventDefault();
      this.lockClient.release();
    } else if (this.lockClient.busy) {
      event.preventDefault();
      this.payOnceSettled();
    }
  }

  /** The last click has no answer yet: continue when the server has answered, with the seats that it granted. */
  async payOnceSettled() {
    await this.lockClient.settled();
    if (this.lockClient.requested.size) this.closest("form").requestSubmit(document.getElementById("basket-pay"));
  }

  showStatus(name) {
    this.chip.show(name);
    if (name !== "live" || !this.missed) return;
    this.missed = false;
    this.lockClient.refresh();
  }

  show(news) {
    showNews(this.news, news);
  }
}

customElements.define("seat-map", SeatMap);
