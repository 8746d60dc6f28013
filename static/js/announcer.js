// What is spoken: the polite live region #spoken of the page, and nothing beside it. What is said at the same moment is
// spoken as one, each text once.

const GATHER = 150; // ms
const STAYS = 10_000; // ms; then the region is empty again, so that nobody reads an old text in passing

let texts = [];
let timer = null;
let end = null;

/** A sentence without its full stop gets one. */
export function say(text) {
  const sentence = /[.?!]$/.test(text) ? text : `${text}.`;
  if (!texts.includes(sentence)) texts.push(sentence);
  timer ??= setTimeout(speak, GATHER);
}

function speak() {
  const region = document.getElementById("spoken");
  const line = document.createElement("span"); // a new element is spoken even if it says what the last one said
  line.textContent = texts.join(" ");
  texts = [];
  timer = null;
  region.replaceChildren(line);
  clearTimeout(end);
  end = setTimeout(() => region.replaceChildren(), STAYS);
}
