// One plot: a canvas drawn by uPlot, with a legend of our own that tells the values as text.

import { element } from "./element.js";
import * as format from "./format.js";

const HEIGHT = 170;
// So little is shown at least: a few points over the whole width would look like a trend.
const LEAST_S = 120;
// Axes of bytes have round numbers in powers of 2.
const STEPS = { bytes: Array.from({ length: 50 }, (_, power) => 2 ** power) };
const { uPlot } = globalThis;
const style = getComputedStyle(document.documentElement);
// Asked for at each drawing, so that a change from light to dark needs only another one.
const colour = (name) => () => style.getPropertyValue(name);

export class Plot {
  constructor(place, plot, data) {
    this.plot = plot;
    this.values = plot.series.map(() => element("dd"));
    const legend = element("dl", { class: "legend" }, ...plot.series.map((one, at) => this.entry(one, at)));
    this.box = element("div", { class: "canvas" });
    place.append(element("figure", { class: "card" }, element("figcaption", {}, element("h2", {}, plot.title), legend), this.box));
    this.chart = new uPlot(this.options(), data, this.box);
    this.draw(data);
    new ResizeObserver(() => this.fit()).observe(this.box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.chart.redraw());
  }

  draw(data) {
    this.data = data;
    this.chart.setData(data);
    this.tell(this.chart.cursor.idx);
  }

  entry(one, at) {
    return element("div", {}, element("dt", { class: `colour-${one.colour}` }, one.name), this.values[at]);
  }

  // The values where the pointer is, else the latest.
  tell(at) {
    this.data.slice(1).forEach((column, series) => {
      this.values[series].textContent = format[this.plot.unit](column[at ?? column.length - 1] ?? NaN);
    });
  }

  fit() {
    if (this.box.clientWidth > 0) this.chart.setSize({ width: this.box.clientWidth, height: HEIGHT });
  }

  options() {
    const axis = { stroke: colour("--quiet"), font: "12px system-ui, sans-serif", grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
    return {
      width: this.box.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      padding: [10, 24, 0, 0],
      scales: { x: { range: (_chart, first, last) => [Math.min(first, last - LEAST_S), last] }, y: { range: (_chart, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [
        { ...axis, space: 80, size: 28, values: (_chart, times) => times.map((at) => format.clock(at)) },
        { ...axis, size: 64, space: 32, incrs: STEPS[this.plot.unit], values: (_chart, ticks) => ticks.map((value) => format[this.plot.unit](value)) },
      ],
      series: [{}, ...this.plot.series.map((one) => ({ label: one.name, stroke: colour(`--plot-${one.colour}`), width: 1.75, points: { show: false } }))],
      hooks: { setCursor: [(chart) => this.tell(chart.cursor.idx)] },
    };
  }
}
