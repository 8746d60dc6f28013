// Arrow keys move to the nearest seat in that direction; the seat card describes the seat under pointer or focus.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function moveByArrows(hall) {
  hall.element.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const from = event.target.closest(".seat");
    if (!from || !(step || event.key === "Enter")) return;
    event.preventDefault();
    if (!step) return event.target.click(); // otherwise Enter would submit the form with its first button
    nearest(hall, from, step)?.querySelector("input").focus();
  });
}

/** The closest seat that can be chosen in that direction; sideways counts three times. */
function nearest(hall, from, [dx, dy]) {
  const here = centre(from);
  let best = [Infinity, null];
  hall.seats.forEach((seat, i) => {
    if (seat === from || hall.boxes[i].disabled) return;
    const there = centre(seat);
    const [x, y] = [there.x - here.x, there.y - here.y];
    const ahead = x * dx + y * dy;
    if (ahead <= 1) return;
    const score = ahead + 3 * Math.abs(x * dy + y * dx);
    if (score < best[0]) best = [score, seat];
  });
  return best[1];
}

function centre(seat) {
  const box = seat.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

export function showCard(hall, card) {
  const [title, text] = [card.querySelector("b"), card.querySelector("span")];
  const show = (event) => {
    const seat = event.target.closest?.(".seat");
    card.hidden = !seat || (event.type === "focusin" && !event.target.matches(":focus-visible"));
    if (card.hidden) return;
    const words = seat.querySelector(".visually-hidden").textContent.split(", ");
    title.textContent = words.slice(0, 2).join(", ");
    const facts = words.slice(2).join(" · ");
    text.textContent = facts.charAt(0).toUpperCase() + facts.slice(1);
    const position = getComputedStyle(seat);
    card.style.setProperty("--x", position.getPropertyValue("--x"));
    card.style.setProperty("--y", position.getPropertyValue("--y"));
  };
  ["pointerover", "focusin"].forEach((name) => hall.element.addEventListener(name, show));
  const hide = () => (card.hidden = true);
  ["pointerleave", "focusout"].forEach((name) => hall.element.addEventListener(name, hide));
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}
