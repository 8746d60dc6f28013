/** Beside a choice of tickets: the refund for those ticked now. Without script the next page says it. */
customElements.define("refund-sum", class extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    this.form.addEventListener("change", () => this.#show());
    addEventListener("pageshow", () => this.#show()); // a browser may restore earlier ticks
    this.#show();
  }

  #show() {
    const chosen = [...this.form.querySelectorAll("[name=seats]:checked")];
    const sum = chosen.reduce((all, box) => all + Number(box.dataset.back), 0);
    this.querySelector("output").textContent = this.#money(sum);
    this.hidden = chosen.length === 0;
    this.form.querySelector("[data-needs-choice]")?.toggleAttribute("disabled", chosen.length === 0);
  }

  /** As the server formats it: whole amounts without decimals. */
  #money(amount) {
    const unit = 10 ** Number(this.dataset.digits);
    const whole = Math.floor(amount / unit).toLocaleString("en-GB");
    const part = amount % unit;
    return this.dataset.sign + whole + (part ? `.${String(part).padStart(Number(this.dataset.digits), "0")}` : "");
  }
});
