/** A button that shows the content of a password field; it is hidden again before the form is sent. */
customElements.define("show-password", class extends HTMLElement {
  connectedCallback() {
    const [input, button] = [this.querySelector("input"), this.querySelector("button")];
    const show = (wanted) => {
      input.type = wanted ? "text" : "password";
      button.setAttribute("aria-pressed", String(wanted));
    };
    button.hidden = false;
    button.addEventListener("click", () => show(input.type === "password"));
    input.form?.addEventListener("submit", () => show(false)); // so that browsers save it as a password
  }
});
