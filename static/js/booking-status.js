/** Polls the status of a booking whose payment is undecided, and reloads the page when it changes. */
const EVERY = 2000; // ms

customElements.define("booking-status", class extends HTMLElement {
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
      // offline for a moment: the next request may succeed
    }
  }
});
