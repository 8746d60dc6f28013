// The page of a film: the trailer in a dialog, loaded only on a click; seats left that are kept up to date.

import { keepSeatsLeft } from "seats-left";

const link = document.getElementById("trailer");
const dialog = document.getElementById("player");

if (link && dialog) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const frame = document.createElement("iframe");
    frame.src = link.dataset.player;
    frame.title = link.dataset.title;
    frame.allow = "fullscreen; encrypted-media";
    frame.referrerPolicy = "strict-origin-when-cross-origin";
    dialog.querySelector("form").after(frame);
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    dialog.querySelector("iframe")?.remove();
    link.focus();
  });
}
keepSeatsLeft();
