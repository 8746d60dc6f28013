// <seat-map>: connects the state of the map, the socket, the seats on the page and my lock.

import "countdown";
import { BestSeats } from "best-seats";
import { Hall } from "hall";
import { listenForGestures } from "hall-gestures";
import { revealPrices } from "hall-goals";
import { HallKeys } from "hall-keys";
import { HallZoom } from "hall-zoom";
import { LiveChip } from "live-chip";
import { LiveSocket } from "live-socket";
import { LockClient } from "lock-client";
import { listenToLock } from "lock-events";
import { driveForm } from "lock-form";
import { LockSpeech } from "lock-speech";
import { Minimap } from "minimap";
import { beginNews, dropOldNews, showNews } from "news";
import { Party } from "party";
import { SeatCard } from "seat-card";
import { SeatFilters } from "seat-filters";
import { SeatFocus } from "seat-focus";
import { SeatLayer } from "seat-layer";
import { SeatList } from "seat-list";
import { SeatState } from "seat-state";

const RENEWAL_SPREAD = 2_000; // ms over which visitors without seats ask again, when all maps are renewed at once

class SeatMap extends HTMLElement {
  connectedCallback() {
    const { epoch, version, state, socket, lock } = this.dataset;
    this.basket = document.getElementById("basket");
    beginNews((this.news = document.getElementById("news")));
    this.seats = new SeatState({ epoch, v: Number(version), state });
    this.lockClient = new LockClient(lock, Number(this.dataset.max));
    this.hall = new Hall(this, (i, status) => this.statusOf(i, status));
    this.lockClient.start(this.hall.labels.filter((_, i) => this.hall.seats[i].dataset.status === "mine"));
    this.speech = new LockSpeech(this.hall, this.lockClient, this.basket);
    this.zoom = new HallZoom(this);
    new Minimap(this, this.zoom);
    new SeatLayer(this, this.hall, this.zoom);
    listenForGestures(this.zoom);
    this.focused = new SeatFocus(this.hall);
    const refuse = (i) => this.show({ title: `${this.hall.nameOf(i)} is ${this.hall.words[i].textContent}` });
    new HallKeys(this.hall, this.focused, { refuse, say: (title) => this.show({ kind: "plain", title }) });
    new SeatCard(this.hall, this.querySelector(".seat-card"), this.zoom);
    this.listen();
    listenToLock(this);
    this.offerSeats();
    this.socket = new LiveSocket(socket, this.seats, {
      changed: (indices) => this.changed(indices),
      status: (name) => this.showStatus(name),
      renewed: () => this.renewed(),
    });
    const old = { title: "This map may be out of date", text: "Choosing goes on in a moment.", holds: () => !this.hall.live };
    this.chip = new LiveChip(document.getElementById("live"), this.hall, this.socket, () => this.show(old));
    this.socket.connect();
    this.lockClient.refresh();
  }

  listen() {
    this.addEventListener("change", (event) => event.target.name === "seats" && this.choose(event.target));
    this.addEventListener("click", (event) => this.hall.spotlight(event.target.closest(".price")));
    revealPrices(this, this.zoom);
    driveForm(this.closest("form"), this.lockClient);
    this.basket.addEventListener("click", (event) => event.target.closest(".basket__head") && this.basket.toggleAttribute("data-open"));
  }

  /** Seats for a party, and of a kind. */
  offerSeats() {
    const best = new BestSeats(this, this.closest("form"), new SeatFilters(this));
    this.party = new Party(this, (size, label) => best.offer(size, label));
    new SeatList(this);
  }

  /** What is shown instead of the stored status: mine, or available for a seat that I have just released. */
  statusOf(i, status) {
    const { requested, released } = this.lockClient;
    const label = this.hall.labels[i];
    if (requested.has(label) && (status === "available" || status === "locked")) return "mine";
    return status === "locked" && this.seats.v < released.get(label) ? "available" : null;
  }

  storedStatus(label) {
    return this.hall.statusIn(this.seats.state, this.hall.indexOf.get(label));
  }

  paint(indices) {
    return this.seats.state === null ? [] : this.hall.paint(this.seats.state, indices);
  }

  choose(box) {
    const { lockClient: client, hall, party } = this;
    const isFull = () => party.size === 1 && client.requested.size >= client.max;
    const full = box.checked && isFull();
    if (!hall.live || full) {
      box.checked = !box.checked;
      const title = full ? `At most ${client.max} seats in one booking` : "The map is catching up";
      const holds = full ? isFull : () => !hall.live;
      return this.show({ title, text: full ? "" : "Seats can be chosen again in a moment.", holds });
    }
    if (party.size === 1) return client.toggle(box.value);
    const news = party.tap(hall.indexOf.get(box.value));
    this.paint();
    if (news) this.show(news);
  }

  changed(indices) {
    const pointed = this.hall.pointed;
    for (const [i, before, after] of this.paint(indices)) {
      if (before === "available" && after !== "mine") this.hall.flash(i, "taken");
      if (before !== "mine" && after === "available") this.hall.flash(i, "freed");
      const label = this.hall.labels[i];
      if (i === pointed && before === "available" && after !== "mine") {
        this.show({ title: `${label} has just been taken`, holds: () => this.storedStatus(label) !== "available" });
      }
    }
    this.party.point();
    dropOldNews(this.news);
    const { doubtful, lock } = this.lockClient;
    const isLocked = (label) => this.storedStatus(label) === "locked";
    const cameLate = [...doubtful].some(isLocked);
    if (cameLate) doubtful.clear(); // by a request of mine, perhaps, whose answer was not awaited
    if (cameLate || (this.seats.v >= lock.v && !this.lockClient.mine.every(isLocked))) this.lockClient.refresh();
  }

  /** Another epoch: the records may have gone back. What was mine may not be, so the server is asked. */
  async renewed() {
    const before = this.lockClient.mine;
    this.lockClient.forgetReleased();
    if (!before.length) await new Promise((resolve) => setTimeout(resolve, Math.random() * RENEWAL_SPREAD));
    await this.lockClient.refresh();
    const lost = before.filter((label) => !this.lockClient.mine.includes(label));
    this.speech.forget(lost);
    if (lost.length) this.show({ title: `No longer held for you: ${lost.join(", ")}`, text: "Please choose again." });
  }

  showStatus(name) {
    this.chip.show(name);
    dropOldNews(this.news);
    if (name !== "live" || !this.missed) return;
    this.missed = false;
    this.lockClient.refresh();
  }

  show(news) {
    showNews(this.news, news);
  }
}

customElements.define("seat-map", SeatMap);
