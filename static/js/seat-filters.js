// Filters: seats that do not match are dimmed, as those of other prices are when a price is pressed. Pressed together, a
// seat has to match one of them. The best seats are asked for with them.

import { say } from "announcer";
import { reveal } from "hall-goals";

export class SeatFilters {
  #pressed = new Set();

  /** `map` is the <seat-map> with its hall and zoom. */
  constructor(map) {
    Object.assign(this, { map, hall: map.hall, starts: new Set(map.dataset.segments.split(" ").map(Number)) });
    map.addEventListener("click", ({ target }) => this.press(target.closest("button[data-filter]")));
  }

  press(button) {
    if (!button) return;
    const { filter } = button.dataset;
    if (!this.#pressed.delete(filter)) this.#pressed.add(filter);
    button.setAttribute("aria-pressed", this.#pressed.has(filter));
    const { hall } = this;
    const matching = [...hall.seats.keys()].filter((i) => this.matches(i));
    const shown = new Set(matching);
    hall.seats.forEach((seat, i) => seat.classList.toggle("seat--dim", !shown.has(i)));
    hall.element.dataset.filter = [...this.#pressed].join(" ");
    if (!this.#pressed.size) return say("All seats are shown");
    reveal(this.map.zoom, matching.map((i) => hall.seats[i]));
    const free = matching.filter((i) => hall.seats[i].dataset.status === "available").length;
    say(`${free} matching ${free === 1 ? "seat is" : "seats are"} free`);
  }

  matches(i) {
    return !this.#pressed.size || this.traitsOf(i).some((trait) => this.#pressed.has(trait));
  }

  /** A wheelchair space and its companion seat are reached without a step; at the end of a segment nobody sits beside. */
  traitsOf(i) {
    const { kind } = this.hall.seats[i].dataset;
    const isLast = i + 1 === this.hall.seats.length || this.starts.has(i + 1);
    const traits = [kind === "companion" && "companion", (this.starts.has(i) || isLast) && "aisle"];
    return [...traits, ["wheelchair", "companion"].includes(kind) && "step-free"].filter(Boolean);
  }

  /** The parameters for the best seats: of the price that is pressed, and where there is no step. */
  get parameters() {
    const price = this.map.querySelector('.price[aria-pressed="true"]');
    const isStepFree = ["step-free", "companion"].some((filter) => this.#pressed.has(filter));
    return { ...(price && { category: price.dataset.category }), ...(isStepFree && { step_free: 1 }) };
  }
}
