/** Sales by day: bars for these days, a dotted line for those before, the best day named over its bar. */
import { hatch, letters, paint, tooltip } from "figures-paint";

/** Names the highest bar, so that one number can be read without pointing. */
const peak = {
  id: "peak",
  afterDatasetsDraw(chart, _, { words }) {
    const values = chart.data.datasets[0].data;
    const best = values.indexOf(Math.max(...values));
    const bar = chart.getDatasetMeta(0).data[best];
    if (!bar || values[best] <= 0) return;
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.font = `650 12px ${paint("font-text")}`;
    ctx.fillStyle = paint("paper-1");
    ctx.textAlign = "center";
    const half = ctx.measureText(words[best]).width / 2;
    ctx.fillText(words[best], Math.min(Math.max(bar.x, chartArea.left + half), chartArea.right - half), bar.y - 7);
    ctx.restore();
  },
};

const language = document.documentElement.lang || "en-GB";

function ticks(trend, measure) {
  const money = { style: "currency", currency: trend.currency, maximumFractionDigits: 2, minimumFractionDigits: 0 };
  const short = new Intl.NumberFormat(language, { notation: "compact", ...(measure === "revenue" ? money : {}) });
  const unit = measure === "revenue" ? trend.minor : 1;
  return (value) => (Number.isInteger(value) || measure === "revenue" ? short.format(value / unit).replace("K", "k") : "");
}

function bars(context, trend, measure) {
  const stripes = hatch(context);
  const fill = trend.weekend.map((isWeekend, i) => (i === trend.today ? stripes : paint(isWeekend ? "silver-1" : "silver-2")));
  return {
    type: "bar",
    data: trend.series[measure].now,
    backgroundColor: fill,
    hoverBackgroundColor: fill,
    borderColor: paint("silver-1"),
    borderWidth: trend.weekend.map((_, i) => (i === trend.today ? 1.5 : 0)),
    borderRadius: 2.5,
    categoryPercentage: 1,
    barPercentage: trend.labels.length > 60 ? 0.9 : 0.8,
    maxBarThickness: 72,
    minBarLength: 1,
    order: 2,
  };
}

const before = (trend, measure) => ({
  type: "line",
  data: trend.series[measure].before,
  borderColor: paint("paper-3"),
  borderWidth: 1.5,
  borderDash: [3, 4],
  pointRadius: trend.labels.length > 1 ? 0 : 3,
  pointHoverRadius: 3,
  pointBackgroundColor: paint("paper-3"),
  order: 1,
});

function scales(trend, measure) {
  const isPhone = matchMedia("(max-width: 600px)").matches;
  const letter = { color: paint("paper-3"), font: letters(11) };
  return {
    x: {
      grid: { display: false },
      border: { color: "rgb(255 255 255 / .16)" },
      ticks: {
        ...letter,
        maxRotation: 0,
        autoSkip: false,
        callback: (_, i) => {
          const every = Math.ceil(trend.labels.length / (isPhone ? 4 : trend.labels.length <= 7 ? 7 : 5));
          const last = trend.labels.length - 1;
          if (i === trend.today) return trend.todayWord;
          const isCrowded = trend.today >= 0 && trend.today - i < every / 1.6 && trend.labels.length > 7;
          return i % every || isCrowded || i > last ? "" : trend.labels[i];
        },
      },
    },
    y: {
      beginAtZero: true,
      grace: "6%",
      grid: { color: "rgb(255 255 255 / .07)" },
      border: { display: false },
      ticks: { ...letter, maxTicksLimit: 6, callback: ticks(trend, measure) },
    },
  };
}

function spoken(trend, measure) {
  const { words, wordsBefore } = trend.series[measure];
  return {
    title: ([first]) => trend.days[first.dataIndex],
    label: ({ datasetIndex, dataIndex }) =>
      datasetIndex === 0 ? words[dataIndex] : `${trend.beforeWord}: ${wordsBefore[dataIndex]}`,
  };
}

/** Draws into `canvas` and lets the three buttons choose what is drawn. */
export function startTrend(canvas, trend) {
  if (!canvas) return;
  let chart;
  const show = (measure) => {
    chart?.destroy();
    chart = new window.Chart(canvas, {
      data: { labels: trend.labels, datasets: [bars(canvas.getContext("2d"), trend, measure), before(trend, measure)] },
      options: {
        layout: { padding: { top: 18 } },
        interaction: { mode: "index", intersect: false },
        scales: scales(trend, measure),
        plugins: { peak: { words: trend.series[measure].words }, tooltip: { ...tooltip(), callbacks: spoken(trend, measure) } },
      },
      plugins: [peak],
    });
  };
  const group = document.querySelector("[data-measures]");
  group.hidden = false;
  group.addEventListener("click", ({ target }) => {
    if (!target.dataset.measure) return;
    for (const button of group.children) button.ariaPressed = String(button === target);
    show(target.dataset.measure);
  });
  const anyMoney = trend.series.revenue.now.some(Boolean);
  if (anyMoney) show("revenue");
  else group.querySelector('[data-measure="tickets"]').click();
}
