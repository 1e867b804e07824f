// The last ten minutes as columns for the plots: the history, and each second's figures after it.

const KEEP_S = 600;

// What is drawn: for each plot its series, and how each is read from figures and from the history.
export const PLOTS = [
  plot("Events", "rate", [
    series("accepted", 1, (now) => now.events.accepted.per_s, (past) => past.accepted_per_s),
    series("stored", 2, (now) => now.events.stored.per_s, (past) => past.stored_per_s),
    series("rejected", 4, (now) => now.events.rejected.per_s, (past) => past.rejected_per_s),
  ]),
  plot("Requests by status", "rate", [byStatus("2xx", 2), byStatus("4xx", 3), byStatus("429", 5), byStatus("5xx", 4)]),
  plot("Request latency", "seconds", quantiles("request", (now) => now.latency.request.recent)),
  plot("Freshness: receipt to commit", "seconds", quantiles("freshness", (now) => now.freshness.recent)),
  plot("Lag: accepted, not committed", "short", [
    series("events", 3, (now) => now.lag.events, (past) => past.lag_events),
  ]),
  plot("Valkey memory", "bytes", [
    series("used", 5, (now) => now.valkey?.used_bytes, (past) => past.valkey_used_bytes),
  ]),
];

function plot(title, unit, ...[all]) {
  return { title, unit, series: all };
}

function series(name, colour, ofNow, ofPast) {
  return { name, colour, ofNow, ofPast };
}

function quantiles(name, ofNow) {
  const colours = { p50: 1, p95: 3, p99: 4 };
  return Object.entries(colours).map(([quantile, colour]) =>
    series(quantile, colour, (now) => ofNow(now)[quantile], (past) => past[`${name}_${quantile}_s`]));
}

function byStatus(name, colour) {
  const isOf = (status) => kind(status) === name;
  return series(
    name,
    colour,
    (now) => sum(Object.entries(now.requests_by_status).filter(([status]) => isOf(status)).map(([, one]) => one.per_s)),
    (past) => sumColumns(Object.entries(past.requests_by_status).filter(([status]) => isOf(status)).map(([, one]) => one), past.at.length),
  );
}

// 429 stands apart: it says that a project's plan is used up, not that a request was wrong.
function kind(status) {
  return status === "429" ? status : `${status[0]}xx`;
}

function sum(values) {
  const known = values.filter((value) => value !== null);
  return known.reduce((total, value) => total + value, 0);
}

function sumColumns(columns, length) {
  return Array.from({ length }, (_, at) => sum(columns.map((column) => column[at] ?? null)));
}

// A plot's columns: times first. Starts from the history; `add` takes each second's figures.
export class Columns {
  constructor(plot, past) {
    this.plot = plot;
    const none = past.at.map(() => null);
    this.data = [[...past.at], ...plot.series.map((one) => [...(one.ofPast(past) ?? none)])];
  }

  add(now) {
    const [times, ...columns] = this.data;
    if (now.at <= times[times.length - 1]) return;
    times.push(now.at);
    columns.forEach((column, at) => column.push(this.plot.series[at].ofNow(now) ?? null));
    while (times[0] < now.at - KEEP_S) this.data.forEach((column) => column.shift());
  }
}
