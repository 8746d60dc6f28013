/** The house's colours and letters for a canvas: read from the tokens, so that a theme reaches the charts. */
const tokens = getComputedStyle(document.documentElement);

/** @param {string} name a token without its dashes, such as "silver-2" */
export const paint = (name) => tokens.getPropertyValue(`--${name}`).trim();

export const letters = (size, weight = 500) => ({ family: paint("font-text"), size, weight });

/** Diagonal stripes: what is not finished, or lost on the way. */
export function hatch(context, { ground = "#3a3740", stripe = "#b9b3c2", size = 6 } = {}) {
  const tile = document.createElement("canvas");
  const scale = Math.max(1, Math.round(devicePixelRatio));
  tile.width = tile.height = size * scale;
  const brush = tile.getContext("2d");
  brush.fillStyle = ground;
  brush.fillRect(0, 0, tile.width, tile.height);
  brush.strokeStyle = stripe;
  brush.lineWidth = tile.width / 3.4;
  brush.beginPath();
  for (const shift of [-1, 0, 1]) {
    brush.moveTo(shift * tile.width - 1, tile.height + 1);
    brush.lineTo((shift + 1) * tile.width + 1, -1);
  }
  brush.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern;
}

/** How a finger's or pointer's bar is spoken of. */
export const tooltip = () => ({
  backgroundColor: paint("house-3"),
  borderColor: paint("house-5"),
  borderWidth: 1,
  titleColor: paint("paper-1"),
  bodyColor: paint("paper-2"),
  titleFont: letters(13, 650),
  bodyFont: letters(13),
  padding: 10,
  displayColors: false,
});
