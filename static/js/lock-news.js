// What is said about my lock on the screen of the hall, in the visitor's words, and as long as it is true.

import { changeOf } from "lock-change";
import { csrfToken } from "lock-request";
import { actionOf } from "news";

const names = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });
const sentences = (text) => text.split(/(?<=\.) /);

/** `show(news)` shows it; `statusOf(label)`: of the seat, as the map has it; `swap(labels, refused)` asks for others. */
export function tellLockNews(client, show, statusOf, swap) {
  const on = (what, news) => client.addEventListener(`lock:${what}`, ({ detail }) => show(news(detail)));
  const unchanged = () => {
    const { tag } = client.lock;
    return () => client.lock.tag === tag;
  };
  /** What replaces the seats that were lost; the button is there as long as nobody has taken it. */
  const instead = (alternative, asked) => {
    const more = alternative.filter((label) => !client.requested.has(label));
    const holds = () => more.every((label) => statusOf(label) === "available");
    return { label: `Take ${names.format(more)} instead`, act: () => swap(alternative, asked), holds };
  };
  on("refused", ({ detail, seats = [], sign_in: signIn, alternative, asked }) => {
    const [title, ...rest] = sentences(detail);
    const action = signIn ? actionOf(document.getElementById("sign-in")) : alternative?.length ? instead(alternative, asked) : null;
    return { title, text: rest.join(" "), action, holds: seats.length ? areGone(seats, statusOf) : unchanged() };
  });
  // The server has said so; the countdown on the page may be a moment early or late.
  client.addEventListener("lock:expired", ({ detail: { seats } }) => {
    if (seats.some(({ label }) => statusOf(label) === "booked")) return; // paid in another tab
    document.querySelector("#basket seat-countdown")?.dispatchEvent(new CustomEvent("lock:expired", { bubbles: true }));
    const holds = () => client.requested.size === 0;
    show({ title: "The hold ran out", text: "The seats are free again. Nothing was charged.", holds });
  });
  on("failed", ({ detail, known }) => {
    const { lock } = client;
    const text = known ? `${yours(client.mine)} Please try again.` : "What you hold is asked for again when we can be reached.";
    return { title: detail ? sentences(detail)[0] : "That did not reach us", text, holds: known ? unchanged() : () => client.lock === lock };
  });
  on("elsewhere", ({ added, dropped }) => {
    const holds = () => added.every((label) => client.requested.has(label)) && !dropped.some((label) => client.requested.has(label));
    const gained = added.length && `Also yours: ${names.format(added)}.`;
    const lost = dropped.length && `No longer yours: ${names.format(dropped)}.`;
    return { kind: "plain", title: "Changed in another tab", text: [gained, lost].filter(Boolean).join(" "), holds };
  });
  on("unmerged", ({ paying, noRoom }) => {
    // The seats for which there is room are asked for next: that must not end this news.
    const isFull = () => client.requested.size >= client.max;
    if (!paying) return { title: `At most ${client.max} seats in one booking`, text: `No room for ${names.format(noRoom)}: another tab has chosen too.`, holds: isFull };
    const text = "Your seats are as they were. To change them all the same, choose again: that ends the payment.";
    return { title: "Your payment is open in another tab", text, holds: unchanged() };
  });
  on("cookieless", () => ({
    title: "Your browser keeps no cookies for this site",
    text: "So we cannot tell that a seat is yours, and nothing can be held for you. Allow cookies for this site, then load the page again.",
    holds: () => !csrfToken(),
  }));
}

/** Ask for seats whose time ran out once more, and say exactly which of them are mine again and which are not. */
export async function takeAgain(labels, client, show) {
  let other = false; // another reason, which has been said
  const once = new AbortController();
  const note = ({ type, detail }) => (other ||= type !== "lock:refused" || detail.type !== "seats-taken");
  for (const what of ["refused", "failed", "cookieless"]) client.addEventListener(`lock:${what}`, note, { signal: once.signal });
  await client.want([...new Set([...client.requested, ...labels])]);
  await client.settled();
  once.abort();
  const { added: lost } = changeOf(labels, client.mine);
  const got = labels.filter((label) => !lost.includes(label));
  const { tag } = client.lock;
  const holds = () => client.lock.tag === tag;
  if (got.length) show({ kind: "plain", title: `Yours again: ${names.format(got)}`, text: lost.length ? `Taken meanwhile: ${names.format(lost)}.` : "", holds });
  else if (!other) show({ title: `Taken meanwhile: ${names.format(lost)}`, text: "None of them could be held again. Nothing was charged.", holds });
}

/** Until the map, which may not show it yet, has shown these seats as taken and then as available. */
function areGone(labels, statusOf) {
  const seen = new Set();
  return () => {
    for (const label of labels) if (statusOf(label) !== "available") seen.add(label);
    return seen.size < labels.length || labels.some((label) => statusOf(label) !== "available");
  };
}

function yours(labels) {
  return labels.length ? `Yours: ${names.format(labels)}.` : "You hold no seat.";
}
