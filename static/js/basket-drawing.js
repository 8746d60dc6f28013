// The basket is drawn by the server, anew after each answer that changes my lock. What has been asked for and not granted
// yet is shown at its top: at once, in words, and as busy; until the new drawing is there, this says what was granted.

import { changeOf } from "lock-change";

const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

/** `elsewhere()`: what gets the focus when what had it in the basket is gone. */
export function redrawBasket(basket, client, elsewhere) {
  let isOld = true; // no drawing since the last answer
  let focused = false; // something in the basket had the focus when it was drawn anew
  basket.addEventListener("htmx:beforeSwap", () => (focused = basket.contains(document.activeElement)));
  client.addEventListener("lock:granted", ({ detail: { asked, before } }) => {
    const { tag, expires_at: until } = client.lock;
    const isSame = before.tag === tag && before.expires_at === until && !basket.hasAttribute("data-over");
    if (!asked && isSame && !isOld) return;
    isOld = true;
    window.htmx.ajax("GET", basket.dataset.url, { target: basket, swap: "innerHTML" }).then(() => {
      if (focused) (document.getElementById("basket-pay") ?? elsewhere())?.focus();
    });
  });
  basket.addEventListener("htmx:afterSwap", () => (isOld = false));
}

const SHOW_AFTER = 150; // ms; most answers are here sooner, and nothing moves

export function showAsking(basket, client) {
  const template = document.getElementById("asking");
  let drawn = null; // the tag of the lock that the basket shows
  let doubt = false;
  let timer = null;

  function draw() {
    timer = null;
    const { added, dropped, size } = changeOf(client.requested, client.mine);
    const isOld = size === 0 && client.mine.length > 0 && drawn !== null && drawn !== client.lock.tag;
    const state = isOld ? "granted" : doubt ? "doubt" : added.length ? "asking" : "dropping";
    basket.querySelector(".basket__asking")?.remove();
    basket.toggleAttribute("data-asking", size > 0 || isOld);
    if (!size && !isOld) return;
    const panel = template.content.cloneNode(true).firstElementChild;
    panel.dataset.state = state;
    panel.querySelector("b").textContent = names.format(isOld ? client.mine : added.length ? added : dropped);
    for (const line of panel.querySelectorAll("[data-when]")) line.hidden = line.dataset.when !== state;
    basket.querySelector(".basket__film").after(panel);
  }

  function update(what) {
    doubt = what === "doubt" || (doubt && what === "requested");
    const { size } = changeOf(client.requested, client.mine);
    basket.setAttribute("aria-busy", size > 0);
    if (basket.hasAttribute("data-asking")) draw();
    else timer ??= setTimeout(draw, SHOW_AFTER);
  }

  for (const what of ["requested", "granted", "refused", "failed", "cookieless", "doubt"]) {
    client.addEventListener(`lock:${what}`, () => update(what));
  }
  basket.addEventListener("htmx:afterSwap", () => {
    drawn = client.lock.tag;
    if (timer === null) draw();
  });
}
