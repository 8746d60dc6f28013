// The front page: says when an answer did not come, keeps the focus near what was used, and the seats left true.

import { keepSeatsLeft } from "seats-left";

const trouble = document.getElementById("trouble");
const plain = (address) => address.split("#")[0];
const [arrival] = performance.getEntriesByType("navigation");
// Back or forward while this page was still loading: nobody heard it, and what is here belongs to another address.
if (arrival && plain(arrival.name) !== plain(location.href)) location.reload();
let before = null; // the last film card before "Show more"

for (const event of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(event, ({ detail }) => {
    document.getElementById("again").href = detail.pathInfo?.finalRequestPath || location.href; // what was asked for
    trouble.hidden = false;
  });
}
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  before = detail.target.matches("li.more") ? detail.target.previousElementSibling : null;
});
document.body.addEventListener("htmx:afterSwap", () => (trouble.hidden = true));
document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (document.activeElement !== document.body || detail.requestConfig?.elt.isConnected) return; // what was used is gone: the nearest thing that is like it
  const next = before?.nextElementSibling?.querySelector(".film__title a");
  const near = document.querySelector(".asked a") ?? document.querySelector("#strip a[aria-current]");
  (next ?? near)?.focus({ preventScroll: true });
});
keepSeatsLeft();
