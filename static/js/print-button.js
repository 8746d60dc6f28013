/** A button that prints the page; without script there is none, and the browser's own menu does it. */
customElements.define("print-button", class extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.querySelector("button").addEventListener("click", () => window.print());
  }
});
