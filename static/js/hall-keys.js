// Keys on the map: arrows by row and order, Home and End, Page Up and Page Down, a typed label, Enter. A seat that cannot
// be chosen is refused with words.

import { LabelTyping } from "label-typing";
import { isOffered } from "seat-focus";
import { SeatOrder } from "seat-order";

const UP = [0, -1];
const DOWN = [0, 1];
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: UP, ArrowDown: DOWN, PageUp: UP, PageDown: DOWN };
const PAGE = 5; // rows

export class HallKeys {
  #order = null;
  #column = {}; // what several steps in one direction aim at, so that a short row between does not shift them

  /** `say(words)` tells the visitor something; `refuse(i)` that seat `i` cannot be chosen. */
  constructor(hall, focus, { say, refuse }) {
    Object.assign(this, { hall, focus, say, refuse, typing: new LabelTyping(hall.labels) });
    hall.element.addEventListener("keydown", (event) => this.press(event));
    hall.element.addEventListener("click", (event) => this.click(event));
  }

  /** Read when it is first needed; it does not change while the page is open. */
  get order() {
    const rows = [...this.hall.element.querySelectorAll(".row")];
    const seatsOf = (row) => [...row.querySelectorAll("input")].map((box) => this.hall.boxes.indexOf(box));
    return (this.#order ??= new SeatOrder(this.focus.spots, rows.map(seatsOf)));
  }

  press(event) {
    const from = this.hall.boxes.indexOf(event.target);
    if (from < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = this.goal(from, event.key);
    const label = to === null ? this.typing.take(event.key, event.timeStamp) : null;
    if (to === null && !label && event.key !== "Enter") return;
    event.preventDefault();
    if (label) event.stopPropagation(); // not a key of the zoom
    if (event.key === "Enter") event.target.click(); // otherwise Enter would submit the form with its first button
    else if (to !== null || label.seat !== null) this.focus.focus(to ?? label.seat);
    else this.say(`There is no seat ${label.typed}`);
  }

  /** The seat that a key leads to, `from` itself at the edge of the hall; null for any other key. */
  goal(from, key) {
    if (key === "Home" || key === "End") return this.order.along(from).at(key === "Home" ? 0 : -1);
    const step = STEPS[key];
    if (!step) return null;
    const { key: last, seat: here, line } = this.#column;
    const aim = last === key && here === from ? line : this.order.line(from, step);
    let seat = from;
    for (let rows = key.startsWith("Page") ? PAGE : 1; rows; rows -= 1) seat = this.order.next(seat, step, aim) ?? seat;
    this.#column = { key, seat, line: aim };
    return seat;
  }

  click(event) {
    const seat = this.hall.boxes.indexOf(event.target);
    if (seat < 0 || event.defaultPrevented || isOffered(event.target)) return;
    event.preventDefault();
    this.refuse(seat);
  }
}
