// The basket's own manners: on a phone it is a sheet with a handle; when the hold runs out it says so until something
// else is chosen; when the house is full it says that. What stands in it is drawn by the server.

const basket = document.getElementById("basket");
const left = document.querySelector('[data-count="left"]');
const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });
let lost = null; // {labels, time} of a hold that has just run out

function follow() {
  basket.querySelector(".basket__more")?.setAttribute("aria-expanded", basket.hasAttribute("data-open"));
}

function sayThatItRanOut() {
  const panel = document.getElementById("ran-out").content.cloneNode(true);
  panel.querySelector("b").textContent = names.format(lost.labels);
  panel.querySelector("time").textContent = lost.time;
  const { labels } = lost;
  panel.querySelector("button").addEventListener("click", () => labels.forEach(holdAgain));
  basket.querySelector(".basket__empty").replaceWith(panel);
}

function holdAgain(label) {
  document.querySelector(`.seat[data-status="available"] input[value="${CSS.escape(label)}"]`)?.click();
}

document.addEventListener("lock:over", ({ target }) => {
  const labels = [...basket.querySelectorAll(".place__label")].map((each) => each.textContent);
  lost = { labels, time: target.dataset.clock };
});

basket.addEventListener("htmx:afterSwap", () => {
  follow();
  if (!basket.querySelector(".basket__empty")) lost = null;
  else if (lost) sayThatItRanOut();
});

new MutationObserver(follow).observe(basket, { attributeFilter: ["data-open"] });
new MutationObserver(() => basket.toggleAttribute("data-sold-out", left.textContent === "0")).observe(left, { childList: true });
