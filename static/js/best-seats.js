// The best seats that are free, as the server finds them. It locks nothing: what it answers is asked for like a click.

import { reveal } from "hall-goals";

const TIMEOUT = 10_000; // ms
const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

export class BestSeats {
  #asking = false;

  /** `map` is the <seat-map> with its party; `filters.parameters` are asked for as well. */
  constructor(map, form, filters) {
    Object.assign(this, { map, form, filters, size: 1 });
    form.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-best-seats]");
      if (button) this.choose(this.sizeOf(button));
    });
    form.addEventListener("party:sized", ({ detail }) => this.label(detail));
    form.addEventListener("htmx:afterSwap", () => this.label());
  }

  /** The button of an empty basket is for two, unless the party is larger. */
  sizeOf({ dataset }) {
    return dataset.bestSeats === "party" ? this.size : Math.max(this.size, Number(dataset.bestSeats));
  }

  label(size = this.size) {
    this.size = size;
    for (const button of this.form.querySelectorAll("[data-best-seats]")) {
      const count = this.sizeOf(button);
      button.textContent = count === 1 ? "Best seat" : `Best ${count} seats`;
    }
  }

  /** Take the best seats for so many. */
  async choose(size) {
    const found = await this.ask({ seats: size, ...this.filters.parameters });
    if (!found) return;
    if (!found.seats) return this.map.show(noneOf(size, found, (labels) => this.take(labels)));
    this.take(found.seats);
  }

  /** There are not so many side by side at that seat: offer the nearest. */
  async offer(size, label) {
    const found = await this.ask({ seats: size, near: label });
    if (!found) return;
    const { seats } = found;
    if (!seats) return this.map.show(noneOf(size, found, (labels) => this.take(labels)));
    this.map.show({ title: `Not ${size} free side by side at ${label}`, action: { label: `Take ${names.format(seats)}`, act: () => this.take(seats) } });
  }

  take(labels) {
    const { map } = this;
    const news = map.party.take(labels);
    if (news) return map.show(news);
    reveal(map.zoom, labels.map((label) => map.hall.seats[map.hall.indexOf.get(label)]));
  }

  /** The answer: {seats}, or {alternative} when they are not side by side. Nothing when there was none, and that is said. */
  async ask(parameters) {
    if (this.#asking) return null;
    if (!this.map.hall.live) return this.map.show({ title: "The map is catching up", text: "Seats can be chosen again in a moment.", holds: () => !this.map.hall.live });
    this.#asking = true;
    const { status, body } = await request(`${this.map.dataset.best}?${new URLSearchParams(parameters)}`);
    this.#asking = false;
    if (status === 200 || body.type === "no-seats-together") return body;
    this.map.show({ title: body.detail ?? "That did not reach us", text: body.detail ? "" : "Please try again." });
    return null;
  }
}

async function request(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0, body: {} };
  }
}

function noneOf(size, { alternative }, take) {
  const title = size === 1 ? "No such seat is free any more" : `No ${size} such seats side by side are free`;
  if (!alternative) return { title, text: size === 1 ? "" : `Fewer than ${size} are left.` };
  return { title, text: "These are near each other:", action: { label: `Take ${names.format(alternative)}`, act: () => take(alternative) } };
}
