/** Sales by day: bars for these days, a dotted line for those before, the best day named over its bar. */
import { font, hatch, paint, tooltip } from "figures-paint";

/** Writes the highest value over its bar, so that one number can be read without a pointer. */
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
    ctx.fillStyle = paint("chart-peak");
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
  const fill = trend.weekend.map((isWeekend, i) => (i === trend.today ? stripes : paint(isWeekend ? "chart-bar-weekend" : "chart-bar")));
  return {
    type: "bar",
    data: trend.series[measure].now,
    backgroundColor: fill,
    hoverBackgroundColor: fill,
    borderColor: paint("chart-bar-weekend"),
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
  borderColor: paint("chart-before"),
  borderWidth: 1.5,
  borderDash: [3, 4],
  pointRadius: trend.labels.length > 1 ? 0 : 3,
  pointHoverRadius: 3,
  pointBackgroundColor: paint("chart-before"),
  order: 1,
});

function scales(trend, measure) {
  const isPhone = matchMedia("(max-width: 600px)").matches;
  const label = { color: paint("chart-label"), font: font(11) };
  return {
    x: {
      grid: { display: false },
      border: { color: paint("chart-axis") },
      ticks: {
        ...label,
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
      grid: { color: paint("chart-grid") },
      border: { display: false },
      ticks: { ...label, maxTicksLimit: 6, callback: ticks(trend, measure) },
    },
  };
}

function tooltipTexts(trend, measure) {
  const { words, wordsBefore } = trend.series[measure];
  return {
    title: ([first]) => trend.days[first.dataIndex],
    label: ({ datasetIndex, dataIndex }) =>
      datasetIndex === 0 ? words[dataIndex] : `${trend.beforeWord}: ${wordsBefore[dataIndex]}`,
  };
}

/** Draws into `canvas`; the three buttons choose the measure. */
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
        plugins: { peak: { words: trend.series[measure].words }, tooltip: { ...tooltip(), callbacks: tooltipTexts(trend, measure) } },
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
