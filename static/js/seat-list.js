// The seats as a list, row by row, in the place of the map: for who prefers text. It is made when it is first opened. Its
// buttons press the checkboxes of the map, so that choosing, refusing and the basket are the same.

import { say } from "announcer";
import { LabelTyping } from "label-typing";

export class SeatList {
  #isOpen = false;
  #stop = 0;

  /** `map` is the <seat-map>. */
  constructor(map) {
    const { hall, focused } = map;
    Object.assign(this, { map, hall, focus: focused, toggle: map.querySelector("[data-view]"), buttons: null });
    this.changes = new MutationObserver((records) => {
      for (const seat of new Set(records.map(({ target }) => target.closest(".seat")))) if (seat) this.write(Number(seat.dataset.i));
    });
    this.toggle.addEventListener("click", () => this.show(!this.#isOpen));
  }

  show(isOpen) {
    this.#isOpen = isOpen;
    if (!this.buttons) this.make();
    this.toggle.textContent = isOpen ? "Map" : "List";
    this.map.toggleAttribute("data-list", isOpen);
    this.element.hidden = !isOpen;
    this.focus.places = isOpen ? this.buttons : this.hall.boxes;
    this.changes.disconnect();
    if (isOpen) {
      this.buttons.forEach((_, i) => this.write(i));
      this.changes.observe(this.hall.element, { subtree: true, attributeFilter: ["class", "data-status", "data-block"] });
    }
    say(isOpen ? "The seats are shown as a list by row" : "The seats are shown as a map");
  }

  make() {
    const { hall } = this;
    this.element = document.createElement("div");
    this.element.className = "seat-list";
    this.element.id = "seat-list";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Seats by row");
    this.buttons = [];
    this.rows = [...hall.element.querySelectorAll(".row")].map((row) => this.makeRow(row));
    this.typing = new LabelTyping(hall.labels);
    hall.element.closest(".stage__hall").append(this.element);
    const listen = (name, act) => this.element.addEventListener(name, act);
    listen("click", ({ target }) => hall.boxes[target.closest("button")?.dataset.i]?.click());
    listen("keydown", (event) => this.press(event));
    listen("focusin", ({ target }) => this.point(target));
    listen("focusout", () => this.point(null));
    this.stop = Math.max(0, this.focus.stop);
  }

  /** Returns the indices of its seats. */
  makeRow(row) {
    const section = document.createElement("section");
    const title = document.createElement("h2");
    title.textContent = row.querySelector("legend").textContent;
    const seats = [...row.querySelectorAll(".seat")].map((seat) => Number(seat.dataset.i));
    section.append(title, ...seats.map((i) => this.makeButton(i)));
    this.element.append(section);
    return seats;
  }

  /** Its name is that of the seat on the map; what the heading of the row says is not shown again. */
  makeButton(i) {
    const seat = this.hall.seats[i];
    const [row, number, ...rest] = seat.querySelector(".visually-hidden").textContent.trim().split(", ").slice(0, -1);
    const price = rest.length > 1 ? rest.pop() : null; // not of a seat that is never sold
    const what = rest.join(", "); // a category may have a comma in its name
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "list-seat", tabIndex: -1 });
    Object.assign(button.dataset, { i, seatColour: seat.dataset.seatColour, kind: seat.dataset.kind });
    const part = (tag, text, isHidden = false) => {
      const element = document.createElement(tag);
      element.textContent = text;
      if (isHidden) element.className = "visually-hidden";
      button.append(element);
    };
    part("span", `${row}, seat `, true);
    part("b", number.replace(/^seat /, ""));
    part("span", `, ${what}, `, true);
    if (price) part("span", price);
    if (price) part("span", ", ", true);
    part("em", "");
    return (this.buttons[i] = button);
  }

  /** Write how seat `i` is now. */
  write(i) {
    const [button, seat] = [this.buttons[i], this.hall.seats[i]];
    const { status } = seat.dataset;
    button.dataset.status = status;
    button.toggleAttribute("data-block", "block" in seat.dataset);
    button.classList.toggle("list-seat--dim", seat.classList.contains("seat--dim"));
    button.setAttribute("aria-pressed", status === "mine");
    button.setAttribute("aria-disabled", !this.hall.states.choosable.includes(status));
    button.querySelector("em").textContent = this.hall.states.words[status];
  }

  /** The seat that the Tab key leads to. */
  set stop(i) {
    this.buttons[this.#stop].tabIndex = -1;
    this.#stop = i;
    this.buttons[i].tabIndex = 0;
  }

  point(target) {
    const button = target?.closest("button");
    if (button) this.stop = Number(button.dataset.i);
    this.hall.focused = button?.matches(":focus-visible") ? Number(button.dataset.i) : null;
    this.map.party.point();
  }

  press(event) {
    const from = this.buttons.indexOf(event.target);
    if (from < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = this.goal(from, event.key) ?? this.typing.take(event.key, event.timeStamp)?.seat ?? null;
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation(); // not a key of the zoom
    this.buttons[to].focus();
  }

  /** The seat that a key leads to, `from` itself at an edge; undefined for any other key. */
  goal(from, key) {
    const at = this.rows.findIndex((row) => row.includes(from));
    const row = this.rows[at];
    const place = row.indexOf(from);
    const inRow = (by) => this.rows[at + by]?.[Math.min(place, this.rows[at + by].length - 1)] ?? from;
    const all = { ArrowRight: row[place + 1] ?? this.rows[at + 1]?.[0] ?? from, ArrowLeft: row[place - 1] ?? this.rows[at - 1]?.at(-1) ?? from };
    return { ...all, ArrowDown: inRow(1), ArrowUp: inRow(-1), Home: row[0], End: row.at(-1) }[key];
  }
}
