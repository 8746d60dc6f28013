/** Bars laid over a list whose lines are as high as the chart's: popular films, and the way from lock to seat. */
import { hatch, paint } from "figures-paint";

/** Lying bars without axes; what they say is written in the list. */
function lie(canvas, labels, datasets, most) {
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

/** How long each film's bar is beside that of the first. */
export function drawFilms(canvas, films) {
  if (!canvas) return;
  const most = Math.max(...films.tickets, 1);
  const rest = films.tickets.map((n) => most - n);
  const thin = { barThickness: 6 };
  lie(canvas, films.labels, [
    { ...thin, data: films.tickets, backgroundColor: paint("silver-2"), borderRadius: 3 },
    { ...thin, data: rest, backgroundColor: "rgb(255 255 255 / .08)", borderRadius: 3 },
  ], most);
}

/** Each step beside the first, and hatched what was lost since the one before. */
export function drawFunnel(canvas, steps) {
  if (!canvas) return;
  const most = Math.max(steps[0].count, 1);
  const thin = { barThickness: 14, borderRadius: 3 };
  lie(canvas, steps.map((step) => step.name), [
    { ...thin, data: steps.map((step) => step.count), backgroundColor: fading(steps.length) },
    { ...thin, data: steps.map((step) => step.lost), backgroundColor: hatch(canvas.getContext("2d")) },
  ], most);
}

const fading = (n) => Array.from({ length: n }, (_, i) => `color-mix(in srgb, ${paint("silver-2")} ${100 - 16 * i}%, ${paint("house-1")})`);
