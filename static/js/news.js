// News is shown on the screen, like a subtitle: what happened, what is still possible. One at a time, eight seconds,
// and as long as it has the focus. The place is a polite live region, so it is spoken too.

const LASTS = 8_000;
let timer = null;

/** `kind`: lost, freed or plain; `action`: {label, act} or nothing. */
export function tell(place, { kind = "lost", title, text = "", action = null }) {
  clearTimeout(timer);
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.kind = kind;
  toast.innerHTML = `<svg class="icon" aria-hidden="true"><use href="#i-${kind === "lost" ? "alert" : "check"}"/></svg><div><strong></strong><span></span></div>`;
  toast.querySelector("strong").textContent = title;
  toast.querySelector("span").textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--small";
    button.textContent = action.label;
    button.addEventListener("click", () => {
      action.act();
      place.replaceChildren();
    });
    toast.append(button);
  }
  place.replaceChildren(toast);
  settle(place);
}

/** What stands there leaves in its time; also for news that came with the page itself. */
export function settle(place) {
  const toast = place.querySelector(".toast");
  const leave = () => (toast.contains(document.activeElement) ? (timer = setTimeout(leave, LASTS)) : toast.remove());
  if (toast) timer = setTimeout(leave, LASTS);
}
