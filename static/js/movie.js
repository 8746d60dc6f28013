// The page of a film: the trailer in a dialog, asked for only when somebody wants it; seats left that are true.

import { keepSeatsLeft } from "seats-left";

const link = document.getElementById("trailer");
const dialog = document.getElementById("player");

if (link && dialog) {
  const ask = dialog.querySelector(".trailer__ask");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
  });
  document.getElementById("play").addEventListener("click", () => {
    const frame = document.createElement("iframe");
    frame.src = link.dataset.player;
    frame.title = link.dataset.title;
    frame.allow = "fullscreen; encrypted-media";
    frame.referrerPolicy = "strict-origin-when-cross-origin";
    ask.hidden = true;
    ask.after(frame);
    frame.focus();
  });
  dialog.addEventListener("close", () => {
    dialog.querySelector("iframe")?.remove();
    ask.hidden = false;
    link.focus();
  });
}
keepSeatsLeft();
