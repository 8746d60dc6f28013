/** Asks how a booking stands while its payment has no verdict, and shows the page anew once that is another. */
const EVERY = 2000; // ms

customElements.define("booking-watch", class extends HTMLElement {
  #timer;

  connectedCallback() {
    this.#timer = setInterval(() => this.#ask(), EVERY);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  async #ask() {
    try {
      const answer = await fetch(this.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { status } = await answer.json();
      if (status !== this.dataset.status) location.reload();
    } catch {
      // offline for a moment: the next question may be heard
    }
  }
});
