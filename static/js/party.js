// "3 together": how many seats side by side one tap takes, and the block that is shown before. The block is found in the
// page, so that pointing at a seat costs no request. A tap on another seat moves the block; seats that were chosen
// otherwise stay.

import { say } from "announcer";
import { blockAt, segmentsFrom } from "seat-blocks";

const SPOKEN_AFTER = 300; // ms that the focus rests on a seat
const LONG_PRESS = 400; // ms, less than a browser needs to make a menu of it
const REACH = 12; // px that a finger may move meanwhile
const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

export class Party {
  size = 1;
  #block = []; // labels of the block that was taken last
  #shown = [];
  #hovered = null; // the seat under a mouse or pen
  #pressed = null; // the seat of a long press, whose block stays shown
  #timer = null;

  /** `map` is the <seat-map>; `offer(size, label)` offers other seats when there are not so many side by side. */
  constructor(map, offer) {
    const { hall, lockClient, zoom } = map;
    Object.assign(this, { map, hall, offer, zoom, client: lockClient, root: map.querySelector(".party") });
    this.segments = segmentsFrom(map.dataset.segments.split(" ").map(Number), hall.seats.length);
    this.root.addEventListener("click", ({ target }) => this.step(Number(target.closest("[data-party-step]")?.dataset.partyStep ?? 0)));
    const listen = (name, act) => hall.element.addEventListener(name, act);
    for (const name of ["pointerover", "pointerleave"]) listen(name, (event) => this.hover(event));
    for (const name of ["focusin", "focusout"]) listen(name, () => this.point());
    listen("pointerdown", (event) => this.press(event));
    hall.element.addEventListener("click", (event) => this.letGo(event), true);
    this.draw();
  }

  step(by) {
    const size = Math.max(1, Math.min(this.client.max, this.size + by));
    if (size === this.size) return;
    this.size = size;
    this.draw();
    this.point();
    say(size === 1 ? "A tap takes one seat" : `A tap takes ${size} seats side by side`);
  }

  draw() {
    const { root, size } = this;
    root.querySelector("[data-party-size]").textContent = size;
    root.querySelector("[data-party-word]").textContent = size === 1 ? "seat a tap" : "together";
    for (const button of root.querySelectorAll("[data-party-step]")) {
      const isLast = size === (Number(button.dataset.partyStep) < 0 ? 1 : this.client.max);
      button.setAttribute("aria-disabled", isLast); // not disabled: it would lose the focus
    }
    this.map.toggleAttribute("data-together", size > 1);
    this.map.dispatchEvent(new CustomEvent("party:sized", { bubbles: true, detail: size }));
  }

  /** The block at seat `i`, or null. What is mine counts as free: a block may take it in. */
  blockAt(i) {
    const { hall, segments } = this;
    const isFree = (at) => hall.states.choosable.includes(hall.seats[at].dataset.status);
    return blockAt(i, this.size, { segments, isFree, kindOf: (at) => hall.seats[at].dataset.kind });
  }

  // ---- What is shown ----

  hover({ pointerType }) {
    this.#hovered = pointerType === "touch" ? null : this.hall.hovered;
    this.point();
  }

  /** Show the block at the seat that is pointed at, as it is now. */
  point() {
    clearTimeout(this.#timer);
    const { hall } = this;
    const i = hall.focused ?? this.#pressed ?? this.#hovered;
    const isOffered = this.size > 1 && i !== null && hall.live && hall.seats[i].dataset.status === "available";
    const block = (isOffered && this.blockAt(i)) || [];
    for (const at of this.#shown) if (!block.includes(at)) delete hall.seats[at].dataset.block;
    for (const at of block) hall.seats[at].dataset.block = "";
    this.#shown = block;
    if (isOffered && i === hall.focused) this.#timer = setTimeout(() => this.speak(i, block), SPOKEN_AFTER);
  }

  speak(i, block) {
    const { labels } = this.hall;
    say(block.length ? `Takes ${names.format(block.map((at) => labels[at]))}` : `Not ${this.size} free side by side at ${labels[i]}`);
  }

  /** A finger that rests on a seat shows its block, until another touch. In the overview a tap takes nothing. */
  press(down) {
    this.#pressed = null;
    this.point();
    const seat = this.hall.seatOf(down.target);
    if (down.pointerType !== "touch" || this.size === 1 || seat === null || this.zoom.isOverview) return;
    const timer = setTimeout(() => {
      this.#pressed = seat;
      this.point();
    }, LONG_PRESS);
    const listening = new AbortController();
    const end = () => {
      clearTimeout(timer);
      listening.abort();
    };
    const isFar = (event) => Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > REACH;
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end, { signal: listening.signal });
    addEventListener("pointermove", (event) => isFar(event) && end(), { signal: listening.signal });
  }

  /** The finger that has shown a block takes nothing when it is lifted. Keys make clicks too, with the detail 0. */
  letGo(event) {
    if (this.#pressed === null || !event.detail) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- What is taken ----

  /** A tap on a seat that may be chosen takes its block, or gives the block back that it is in. Returns news, or null. */
  tap(i) {
    const label = this.hall.labels[i];
    const { requested } = this.client;
    this.#pressed = null;
    const block = requested.has(label) ? null : this.blockAt(i);
    if (block) return this.take(block.map((at) => this.hall.labels[at]));
    if (requested.has(label)) this.client.want(without(requested, this.#block.includes(label) ? this.#block : [label]));
    else this.offer(this.size, label);
    return null;
  }

  /** Ask for these seats in the place of the block that was taken last. Returns news when these would be too many, else null. */
  take(labels, former = this.#block) {
    const { client } = this;
    const selection = [...new Set([...without(client.requested, former), ...labels])];
    if (selection.length > client.max) return { title: `At most ${client.max} seats in one booking`, text: "Give some of yours back first." };
    this.#block = labels;
    client.want(selection);
    return null;
  }

  /** Ask for these seats in the place of a selection that was refused. What has been chosen since stays. */
  swap(labels, refused) {
    const block = this.#block;
    const others = without(refused, block);
    const news = this.take(labels, refused);
    this.#block = others.length < refused.length ? without(labels, others) : block;
    return news;
  }
}

const without = (labels, some) => [...labels].filter((label) => !some.includes(label));
