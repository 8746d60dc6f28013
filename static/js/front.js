// The front page: reports a failed request, keeps the focus near the control that was used, updates the seats left.

import { keepSeatsLeft } from "seats-left";

const trouble = document.getElementById("trouble");
const plain = (address) => address.split("#")[0];
const [arrival] = performance.getEntriesByType("navigation");
// Back or forward while this page was still loading: no listener was there, so the content belongs to another address.
if (arrival && plain(arrival.name) !== plain(location.href)) location.reload();
let before = null; // the last film card before "Show more"

for (const event of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(event, ({ detail }) => {
    document.getElementById("again").href = detail.pathInfo?.finalRequestPath || location.href; // the address that failed
    trouble.hidden = false;
  });
}
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  before = detail.target.matches("li.more") ? detail.target.previousElementSibling : null;
});
document.body.addEventListener("htmx:afterSwap", () => (trouble.hidden = true));
document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (document.activeElement !== document.body || detail.requestConfig?.elt.isConnected) return;
  // The control that had the focus was replaced: focus the nearest one of its kind.
  const next = before?.nextElementSibling?.querySelector(".film__title a");
  const near = document.querySelector(".asked a") ?? document.querySelector("#strip a[aria-current]");
  (next ?? near)?.focus({ preventScroll: true });
});
keepSeatsLeft();

// Gone back to, the page is as the browser has kept it: whose seats are locked now is asked again.
const reminder = document.getElementById("reminder");
addEventListener("pageshow", async ({ persisted }) => {
  if (!persisted && arrival?.type !== "back_forward") return;
  const answer = await fetch(reminder.dataset.url).catch(() => null);
  if (answer?.ok) reminder.innerHTML = await answer.text();
});
