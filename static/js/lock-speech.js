// Says every change of my seats: what is mine or no longer mine, how many seats there are, the total, the time left.

import { say } from "announcer";

const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

export class LockSpeech {
  /** Speaks when the basket, which has the total in words, has been drawn for the lock that `client` was granted. */
  constructor(hall, client, basket) {
    Object.assign(this, { hall, client, basket, mine: new Set(client.requested), wanted: new Set(client.requested) });
    client.addEventListener("lock:requested", () => (this.wanted = new Set(client.requested)));
    client.addEventListener("lock:elsewhere", ({ detail: { added, dropped } }) => {
      for (const label of added) this.mine.add(label); // news says both
      this.forget(dropped);
    });
    client.addEventListener("lock:expired", ({ detail: { seats } }) => {
      const paid = ({ label }) => hall.seats[hall.indexOf.get(label)].dataset.status === "booked";
      if (!seats.some(paid)) this.forget(seats.map((seat) => seat.label)); // news says so
    });
    basket.addEventListener("htmx:afterSwap", () => this.tell());
  }

  /** These seats are lost, and news has said so: only what is left is still to be said. */
  forget(labels) {
    for (const label of labels) this.mine.delete(label);
    this.lost ||= labels.length > 0;
  }

  tell() {
    const { hall } = this;
    const now = this.client.lock.seats.map((seat) => seat.label);
    const taken = now.filter((label) => !this.mine.has(label));
    const gone = [...this.mine].filter((label) => !now.includes(label));
    const given = gone.filter((label) => !this.wanted.has(label));
    const lost = gone.filter((label) => this.wanted.has(label));
    const parts = [
      this.sentence(taken, hall.states.words.mine),
      this.sentence(given, "given back"),
      this.sentence(lost, "no longer yours"),
    ].filter(Boolean);
    if (parts.length || (this.lost && now.length)) say([...parts, this.state(now.length)].join(" "));
    this.mine = new Set(now);
    this.lost = false;
  }

  /** One seat by row and number, several by their labels. */
  sentence(labels, what) {
    if (labels.length > 1) return `${names.format(labels)} are ${what}.`;
    return labels.length ? `${this.hall.nameOf(this.hall.indexOf.get(labels[0]))} is ${what}.` : "";
  }

  state(count) {
    if (!count) return "You have no seats.";
    const { expires_at, now } = this.client.lock;
    const total = this.basket.querySelector(".basket__total b")?.textContent.trim() ?? "";
    return `${number(count, "seat")}, ${total}. ${time(Date.parse(expires_at) - Date.parse(now))} left.`;
  }
}

function number(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function time(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts = [Math.floor(seconds / 60) && number(Math.floor(seconds / 60), "minute")];
  if (seconds % 60 || seconds < 60) parts.push(number(seconds % 60, "second"));
  return parts.filter(Boolean).join(" ");
}
