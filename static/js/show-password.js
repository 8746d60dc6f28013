/** A button that shows what was typed into a password field, and hides it again before it is sent. */
customElements.define("show-password", class extends HTMLElement {
  connectedCallback() {
    const [input, button] = [this.querySelector("input"), this.querySelector("button")];
    const show = (wanted) => {
      input.type = wanted ? "text" : "password";
      button.setAttribute("aria-pressed", String(wanted));
    };
    button.hidden = false;
    button.addEventListener("click", () => show(input.type === "password"));
    input.form?.addEventListener("submit", () => show(false)); // browsers keep what is a password as one
  }
});
