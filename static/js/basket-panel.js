// The states of the basket: on a phone a sheet with a handle; after the lock has expired a sentence that says so, until
// another seat is chosen; a sentence when every seat is taken. Its content is drawn by the server.

const basket = document.getElementById("basket");
const left = document.querySelector('[data-count="left"]');
const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });
let expired = null; // {labels, time} of a lock that has just expired

function showOpenState() {
  basket.querySelector(".basket__more")?.setAttribute("aria-expanded", basket.hasAttribute("data-open"));
}

function showExpired() {
  const panel = document.getElementById("ran-out").content.cloneNode(true);
  panel.querySelector("b").textContent = names.format(expired.labels);
  panel.querySelector("time").textContent = expired.time;
  const { labels } = expired;
  panel.querySelector("button").addEventListener("click", () => {
    document.dispatchEvent(new CustomEvent("lock:again", { detail: labels }));
  });
  basket.querySelector(".basket__empty").replaceWith(panel);
}

document.addEventListener("lock:expired", ({ target }) => {
  const labels = [...basket.querySelectorAll(".basket-seat__label")].map((each) => each.textContent);
  expired = { labels, time: target.dataset.clock };
});

// The time is over, and the server has not said yet what that means: nothing can be paid for meanwhile.
basket.addEventListener("lock:due", () => basket.toggleAttribute("data-over", true));

basket.addEventListener("htmx:afterSwap", () => {
  basket.toggleAttribute("data-over", false);
  showOpenState();
  if (!basket.querySelector(".basket__empty")) expired = null;
  else if (expired) showExpired();
});

new MutationObserver(showOpenState).observe(basket, { attributeFilter: ["data-open"] });
new MutationObserver(() => basket.toggleAttribute("data-sold-out", left.textContent === "0")).observe(left, { childList: true });
