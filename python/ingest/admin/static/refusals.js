// Refusals by reason: of whole requests, and of single events in requests that were accepted.

import { table } from "./element.js";
import { count, rate } from "./format.js";

const COLUMNS = [["Reason", "mono"], ["Of", null], ["Now", "number"], ["Since start", "number"]];

export function draw({ refusals }) {
  const all = [...named(refusals.requests, "requests"), ...named(refusals.events, "events")];
  const known = all.filter(({ counted }) => counted.total > 0);
  known.sort((a, b) => (b.counted.per_s ?? 0) - (a.counted.per_s ?? 0) || b.counted.total - a.counted.total);
  const rows = known.map(({ code, of, counted }) => [code, of, rate(counted.per_s), count(counted.total)]);
  document.getElementById("refusals").replaceChildren(table("Refusals by reason", COLUMNS, rows, "Nothing was refused.", "compact"));
}

function named(counts, of) {
  return Object.entries(counts).map(([code, counted]) => ({ code, of, counted }));
}
