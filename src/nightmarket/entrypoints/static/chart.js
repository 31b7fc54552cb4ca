// Draws the charts of a page from their data, in the colours of the page, light or dark, and again when it changes size.
"use strict";

const tokens = () => {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  return {
    series: ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5"].map(token),
    ink: token("--ink"),
    soft: token("--ink-soft"),
    line: token("--line"),
    ground: token("--surface"),
  };
};

function optionOf(data, colours) {
  const language = document.documentElement.lang;
  const short = new Intl.NumberFormat(language, { notation: "compact" });
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const names = { type: "category", data: data.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: colours.line } }, axisLabel: { color: colours.soft, hideOverlap: true } };
  const lying = data.kind === "rows";
  const values = { type: "value", name: data.unit, nameLocation: lying ? "middle" : "end", nameGap: lying ? 28 : 12, nameTextStyle: { color: colours.soft, align: lying ? "center" : "left" }, minInterval: data.whole ? 1 : 0, splitLine: { lineStyle: { color: colours.line } }, axisLabel: { color: colours.soft, hideOverlap: true, formatter: (value) => short.format(value) } };
  return {
    animation: !data.live && !matchMedia("(prefers-reduced-motion: reduce)").matches,
    color: colours.series,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 16, top: data.series.length > 1 ? 56 : 32, bottom: 8, containLabel: true },
    legend: { show: data.series.length > 1, top: 0, left: 0, textStyle: { color: colours.ink }, itemHeight: 10, itemWidth: 14 },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: colours.ground,
      borderColor: colours.line,
      textStyle: { color: colours.ink },
      axisPointer: { type: lying || data.kind === "bar" ? "shadow" : "line" },
      valueFormatter: (value) => (value === null ? "–" : `${whole.format(value)} ${data.unit}`),
    },
    xAxis: lying ? values : names,
    yAxis: lying ? { ...names, inverse: true } : values,
    series: data.series.map((one) => ({
      name: one.name,
      type: data.kind === "line" ? "line" : "bar",
      data: one.values,
      stack: data.stacked ? "all" : undefined,
      showSymbol: false,
      barMaxWidth: 28,
      areaStyle: data.kind === "line" && data.stacked ? { opacity: 0.25 } : undefined,
    })),
  };
}

function draw() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    const chart = echarts.getInstanceByDom(place) ?? echarts.init(place, null, { renderer: "svg" });
    chart.setOption(optionOf(JSON.parse(place.dataset.chart), tokens()), true);
  }
}

document.addEventListener("DOMContentLoaded", draw);
document.addEventListener("htmx:afterSettle", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
new ResizeObserver(() => {
  for (const place of document.querySelectorAll("[data-chart]")) echarts.getInstanceByDom(place)?.resize();
}).observe(document.documentElement);
