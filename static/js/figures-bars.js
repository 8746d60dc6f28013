/** Bars over a table whose rows are as high as the chart's: popular films, and the steps from lock to seat. */
import { hatch, paint } from "figures-paint";

/** Horizontal bars without axes; the table has their numbers. */
function drawBars(canvas, labels, datasets, most) {
  return new window.Chart(canvas, {
    type: "bar",
    data: { labels, datasets: datasets.map((each) => ({ categoryPercentage: 1, borderSkipped: false, ...each })) },
    options: {
      indexAxis: "y",
      events: [],
      layout: { padding: 0, autoPadding: false },
      scales: {
        x: { display: false, stacked: true, min: 0, max: most },
        y: { display: false, stacked: true },
      },
      plugins: { tooltip: { enabled: false } },
    },
  });
}

/** A bar for each film, the first one of full length. */
export function drawFilms(canvas, films) {
  if (!canvas) return;
  const most = Math.max(...films.tickets, 1);
  const rest = films.tickets.map((n) => most - n);
  const thin = { barThickness: 6 };
  drawBars(canvas, films.labels, [
    { ...thin, data: films.tickets, backgroundColor: paint("chart-bar"), borderRadius: 3 },
    { ...thin, data: rest, backgroundColor: paint("chart-rest"), borderRadius: 3 },
  ], most);
}

/** A bar for each step, the first one of full length; hatched: what was lost since the step before. */
export function drawFunnel(canvas, steps) {
  if (!canvas) return;
  const most = Math.max(steps[0].count, 1);
  const thin = { barThickness: 14, borderRadius: 3 };
  drawBars(canvas, steps.map((step) => step.name), [
    { ...thin, data: steps.map((step) => step.count), backgroundColor: fading(steps.length) },
    { ...thin, data: steps.map((step) => step.lost), backgroundColor: hatch(canvas.getContext("2d")) },
  ], most);
}

const fading = (n) =>
  Array.from({ length: n }, (_, i) => `color-mix(in srgb, ${paint("chart-bar")} ${100 - 16 * i}%, ${paint("chart-fade")})`);
