/** A button that prints the page. Without script it stays hidden: the browser's menu prints, too. */
customElements.define("print-button", class extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.querySelector("button").addEventListener("click", () => window.print());
  }
});
