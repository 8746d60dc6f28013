// What the map does when something happens to my lock: it is painted anew, and what has to be said is said.

import { redrawBasket, showAsking } from "basket-drawing";
import { takeAgain, tellLockNews } from "lock-news";
import { shareLock } from "lock-tabs";
import { dropOldNews } from "news";
import { showAdvice } from "seat-advice";

/** `map` is the <seat-map>. */
export function listenToLock(map) {
  const { basket, hall, lockClient: client } = map;
  const show = (news) => news && map.show(news);
  const on = (what, act) => client.addEventListener(`lock:${what}`, act);
  on("requested", () => map.paint());
  on("granted", () => {
    map.paint();
    dropOldNews(map.news);
  });
  on("refused", ({ detail: { seats = [] } }) => {
    map.paint();
    for (const label of seats) hall.flash(hall.indexOf.get(label), "taken");
  });
  on("missed", () => (map.missed = true));
  on("doubt", () => map.socket.check());
  for (const end of ["failed", "cookieless"]) on(end, () => map.paint());
  shareLock(`lock ${map.dataset.showtime}`, client);
  const swap = (labels, refused) => show(map.party.swap(labels, refused));
  tellLockNews(client, show, (label) => map.storedStatus(label), swap);
  redrawBasket(basket, client, () => map.focused);
  showAsking(basket, client);
  showAdvice(basket, client);
  listenToClock(map, show);
}

/** The time of the lock runs out; its clock is in the basket. */
function listenToClock({ basket, lockClient, news }, show) {
  document.addEventListener("lock:due", () => lockClient.refresh());
  document.addEventListener("lock:again", ({ detail }) => takeAgain(detail, lockClient, show));
  const isLast = () => basket.querySelector("seat-countdown[data-level=last]") !== null;
  document.addEventListener("lock:ending", () => show({ kind: "plain", title: "30 seconds left", holds: isLast }));
  basket.addEventListener("htmx:afterSwap", () => dropOldNews(news));
}
