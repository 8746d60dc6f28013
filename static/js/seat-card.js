// The card beside the seat under the pointer or the focus: what it is, what it costs and its state, as they are now.

const GAP = 8; // px between the card and the seat, and to the edge of the window

export class SeatCard {
  #seat = null;
  #changes = new MutationObserver(() => this.write());

  constructor(hall, card, zoom) {
    Object.assign(this, { card, zoom });
    const listen = (name, act) => hall.element.addEventListener(name, act);
    listen("pointerover", (event) => event.pointerType !== "touch" && this.show(event.target.closest(".seat")));
    listen("focusin", (event) => event.target.matches(":focus-visible") && this.show(event.target.closest(".seat")));
    listen("focusout", () => this.show(hall.element.querySelector(".seat:hover")));
    listen("pointerleave", () => this.show(null));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.show(null));
    const follow = () => this.#seat && this.place();
    zoom.root.addEventListener("hall:zoomed", follow);
    zoom.window.addEventListener("scroll", follow, { passive: true });
  }

  /** Describe that seat until another call; null hides the card. */
  show(seat) {
    if (seat === this.#seat) return;
    this.#changes.disconnect();
    this.#seat = seat;
    this.card.hidden = !seat;
    if (!seat) return;
    this.#changes.observe(seat.querySelector(".visually-hidden"), { subtree: true, childList: true, characterData: true });
    this.write();
    this.place();
  }

  write() {
    const words = this.#seat.querySelector(".visually-hidden").textContent.split(", ");
    this.card.querySelector("b").textContent = words.slice(0, 2).join(", ");
    const facts = words.slice(2).join(" · ");
    this.card.querySelector("span").textContent = facts.charAt(0).toUpperCase() + facts.slice(1);
  }

  /** Above the seat, or below it where there is no room above; inside the window, or hidden with its seat. */
  place() {
    const [window, seat] = [this.zoom.window, this.#seat].map((element) => element.getBoundingClientRect());
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const [x, y] = [seat.left - window.left + seat.width / 2, seat.top - window.top];
    const isBelow = y < height + 2 * GAP;
    const left = Math.max(GAP, Math.min(window.width - width - GAP, x - width / 2));
    this.card.style.translate = `${left}px ${isBelow ? y + seat.height + GAP : y - height - GAP}px`;
    this.card.style.visibility = x < 0 || x > window.width || y + seat.height < 0 || y > window.height ? "hidden" : "";
    this.card.dataset.side = isBelow ? "below" : "above";
    this.card.style.setProperty("--tip", `${Math.max(14, Math.min(width - 14, x - left))}px`);
  }
}
