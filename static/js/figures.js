/** The charts of the dashboard. Every number is also in a table, which is folded once its chart is drawn. */
import { drawFilms, drawFunnel } from "figures-bars";
import { startTrend } from "figures-trend";

const tables = document.querySelectorAll("details[data-table]");
const charts = document.querySelectorAll(".plot");

function draw() {
  const data = JSON.parse(document.getElementById("figures-data").textContent);
  const { Chart } = window;
  Chart.defaults.animation = !matchMedia("(prefers-reduced-motion: reduce)").matches && { duration: 420, easing: "easeOutQuart" };
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.plugins.legend.display = false;
  startTrend(document.getElementById("trend-chart"), data.trend);
  drawFilms(document.getElementById("films-chart"), data.films);
  drawFunnel(document.getElementById("funnel-chart"), data.funnel);
}

const isDrawable = Boolean(window.Chart);
for (const table of tables) {
  table.open = !isDrawable;
  table.dataset.ready = "";
}
for (const chart of charts) chart.hidden = !isDrawable;
// Text on a canvas is drawn once: wait for the web font.
if (isDrawable) document.fonts.ready.then(draw);
