// What speaks against my seats, as the server says with each answer about my lock: in the basket, with a button that asks
// for the better seats. Nothing is refused before the checkout.

import { say } from "announcer";
import { changeOf, isSame } from "lock-change";

const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

export function showAdvice(basket, client) {
  const template = document.getElementById("advice");
  let spoken = ""; // the advice that was said last

  function draw() {
    const [advice = null] = client.lock.advice ?? [];
    const old = basket.querySelector(".basket__advice");
    const hadFocus = old?.contains(document.activeElement);
    old?.remove();
    const head = basket.querySelector(".basket__head");
    if (!advice || !head || !isSame(client.requested, client.mine)) return;
    const panel = panelOf(template, advice, client.mine);
    panel.querySelector("button").addEventListener("click", () => {
      document.getElementById("basket")?.focus({ preventScroll: true }); // where the result is; the button goes
      client.want(advice.suggestion);
    });
    head.after(panel);
    if (hadFocus) panel.querySelector("button").focus();
    const text = panel.textContent.trim().replace(/\s+/g, " ");
    if (text !== spoken) say(`${panel.querySelector("p").textContent.trim()} Button in the basket: ${panel.querySelector("button").textContent}`);
    spoken = text;
  }

  client.addEventListener("lock:requested", draw);
  client.addEventListener("lock:granted", () => {
    if (!client.lock.advice?.length) spoken = "";
    draw();
  });
  basket.addEventListener("htmx:afterSwap", draw);
}

/** `advice`: {type, seats, suggestion}. The button names the seats that would be new. */
function panelOf(template, { type, seats, suggestion }, mine) {
  const panel = template.content.cloneNode(true).firstElementChild;
  for (const line of panel.querySelectorAll("[data-when]")) if (line.dataset.when !== type) line.remove();
  panel.querySelector("b").textContent = names.format(seats);
  panel.querySelector("button").textContent = `Take ${names.format(changeOf(suggestion, mine).added)} instead`;
  return panel;
}
