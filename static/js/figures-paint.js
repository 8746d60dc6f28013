/** Colours and fonts for a canvas: read from the tokens, so that a theme reaches the charts. */
const tokens = getComputedStyle(document.documentElement);

/** @param {string} name a token without its dashes, such as "chart-bar" */
export const paint = (name) => tokens.getPropertyValue(`--${name}`).trim();

export const font = (size, weight = 500) => ({ family: paint("font-text"), size, weight });

/** Diagonal stripes: what is not finished, or lost on the way. */
export function hatch(context, size = 6) {
  const tile = document.createElement("canvas");
  const scale = Math.max(1, Math.round(devicePixelRatio));
  tile.width = tile.height = size * scale;
  const brush = tile.getContext("2d");
  brush.fillStyle = paint("chart-hatch");
  brush.fillRect(0, 0, tile.width, tile.height);
  brush.strokeStyle = paint("chart-hatch-stripe");
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

/** The look of the box that names the bar under the pointer. */
export const tooltip = () => ({
  backgroundColor: paint("chart-tooltip"),
  borderColor: paint("chart-tooltip-line"),
  borderWidth: 1,
  titleColor: paint("chart-tooltip-title"),
  bodyColor: paint("chart-tooltip-text"),
  titleFont: font(13, 650),
  bodyFont: font(13),
  padding: 10,
  displayColors: false,
});
