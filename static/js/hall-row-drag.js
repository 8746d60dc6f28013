// A mouse that is dragged along a row from a seat takes the seats that it passes, or gives them back if the first is the
// visitor's own. Where a tap takes several seats, a drag takes none.

const CHOOSABLE = ["available", "mine"];

export function chooseByDragging(zoom) {
  zoom.window.addEventListener("pointerdown", (event) => {
    const first = event.target.closest(".seat");
    const isTogether = zoom.root.hasAttribute("data-together");
    if (isTogether || event.pointerType !== "mouse" || event.button || !CHOOSABLE.includes(first?.dataset.status)) return;
    const wanted = first.dataset.status;
    const row = [...first.parentElement.querySelectorAll(".seat")];
    let last = null; // the index in the row of the seat that was passed last; null until the mouse has left the first
    const move = (moved) => {
      const at = row.indexOf(moved.target.closest?.(".seat"));
      if (at < 0 || (last === null && row[at] === first)) return;
      const from = last ?? row.indexOf(first);
      const passed = row.slice(Math.min(from, at), Math.max(from, at) + 1).filter((seat) => seat.dataset.status === wanted);
      last = at;
      for (const seat of from > at ? passed.reverse() : passed) seat.querySelector("input").click();
    };
    const end = () => {
      removeEventListener("pointermove", move);
      if (last !== null) ignoreNextClick(zoom.window);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
  });
}

/** After a drag: let go on the seat where it began, the mouse would click it. */
export function ignoreNextClick(element) {
  const ignore = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  element.addEventListener("click", ignore, { capture: true, once: true });
  setTimeout(() => element.removeEventListener("click", ignore, true));
}
