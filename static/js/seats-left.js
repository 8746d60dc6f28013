// Seats left, as the server draws them, replaced every few seconds while the page is visible. Changes are not
// announced: dozens of numbers change on one page.

const EVERY = 5_000; // ms
const LONGEST = 60_000; // ms
const FLASH = 1_200; // ms
const MOST = 100; // showtimes in one request
const CLOSED = new Set(["sold-out", "closed", "cancelled", "upcoming"]);

let wait = EVERY;
let timer = null;

export function keepSeatsLeft() {
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
  addEventListener("online", ask);
  addEventListener("offline", () => show(false));
  timer = setTimeout(ask, EVERY);
}

async function ask() {
  clearTimeout(timer);
  const near = [...document.querySelectorAll("[data-left-of]")].filter(isNear);
  const ids = [...new Set(near.map((each) => each.dataset.leftOf))].slice(0, MOST);
  if (ids.length && !document.hidden) {
    const path = `/showtimes/left/?${ids.map((id) => `id=${id}`).join("&")}`;
    const answer = await fetch(path, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok) update(await answer.text());
    show(Boolean(answer?.ok));
    wait = answer?.ok ? EVERY : Math.min(LONGEST, 2 * wait);
  }
  clearTimeout(timer);
  timer = setTimeout(ask, wait);
}

function isNear(meter) {
  const { top, bottom } = meter.getBoundingClientRect();
  return bottom > -innerHeight && top < 2 * innerHeight;
}

function update(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelectorAll("[data-left-of]");
  for (const meter of fresh) {
    for (const old of document.querySelectorAll(`[data-left-of="${meter.dataset.leftOf}"]`)) replace(old, meter);
    for (const number of document.querySelectorAll(`[data-number-of="${meter.dataset.leftOf}"]`)) {
      if (number.textContent !== meter.dataset.left) number.textContent = meter.dataset.left;
    }
  }
}

function replace(old, meter) {
  if (old.isEqualNode(meter)) return;
  const card = old.closest(".showtime-card");
  old.replaceWith(document.importNode(meter, true));
  if (!card) return;
  card.dataset.state = meter.dataset.state;
  card.toggleAttribute("data-full", CLOSED.has(meter.dataset.state));
  card.toggleAttribute("data-changed", true);
  setTimeout(() => card.removeAttribute("data-changed"), FLASH);
}

function show(isLive) {
  for (const chip of document.querySelectorAll("[data-left-chip]")) {
    chip.hidden = false;
    chip.dataset.state = isLive ? "live" : "stale";
    chip.textContent = isLive ? "Live" : "Not live now";
  }
}
