// News is shown on the screen of the hall, like a subtitle: what happened, what is still possible. One at a time, for
// eight seconds (twenty with something to decide), as long as it has the focus, and as long as it is true. It is spoken too.

import { say } from "announcer";

const LASTS = 8_000; // ms
const LASTS_WITH_ACTION = 20_000;
let timer = null;
let isTrue = null;
let isPossible = null;

/** `kind`: lost, freed or plain; `action`: {label, act, holds} or nothing; `holds()`: whether it is still true. */
export function showNews(region, { kind = "lost", title, text = "", action = null, holds = null }) {
  clearTimeout(timer);
  isTrue = holds;
  isPossible = action?.holds ?? null;
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
      document.getElementById("basket")?.focus({ preventScroll: true }); // where the result is; the button goes
      region.replaceChildren();
      action.act();
    });
    toast.append(button);
  }
  // It may lie over seats on a low screen.
  toast.addEventListener("click", ({ target }) => target.closest("a, button") || toast.remove());
  region.replaceChildren(toast);
  speak(toast);
  removeLater(region);
}

function speak(toast) {
  for (const each of toast.querySelectorAll("strong, span")) if (each.textContent.trim()) say(each.textContent.trim());
  const button = toast.querySelector("button");
  if (button) say(`Button after the map: ${button.textContent}`);
}

/** Something has changed: news that is not true any more goes. */
export function dropOldNews(region) {
  if (isPossible !== null && !isPossible()) {
    isPossible = null;
    region.querySelector(".toast button")?.remove();
  }
  if (isTrue === null || isTrue()) return;
  isTrue = null;
  region.replaceChildren();
}

/** The action of a link that the server has put into a template. */
export function actionOf(template) {
  const link = template.content.querySelector("a");
  return { label: link.textContent, act: () => location.assign(link.getAttribute("href")) };
}

/** Speaks the news that the server put into the page, and removes it when its time is over. */
export function beginNews(region) {
  const toast = region.querySelector(".toast");
  if (toast) speak(toast);
  removeLater(region);
}

function removeLater(region) {
  const toast = region.querySelector(".toast");
  const lasts = toast?.querySelector("button") ? LASTS_WITH_ACTION : LASTS;
  const leave = () => (toast.contains(document.activeElement) ? (timer = setTimeout(leave, lasts)) : toast.remove());
  if (toast) timer = setTimeout(leave, lasts);
}
