// The front page: says when an answer did not come, and keeps the seats left true.

import { keepSeatsLeft } from "seats-left";

const trouble = document.getElementById("trouble");

for (const event of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(event, () => {
    document.getElementById("again").href = location.href;
    trouble.hidden = false;
  });
}
document.body.addEventListener("htmx:afterSwap", () => (trouble.hidden = true));
keepSeatsLeft();
