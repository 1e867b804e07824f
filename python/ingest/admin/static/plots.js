// All plots: drawn from the history when the stream begins, then moved on by each second's figures.

import { get } from "./api.js";
import { Columns, PLOTS } from "./curves.js";
import { Plot } from "./plot.js";

const place = document.getElementById("plots");
let drawn = [];

// Read the history again: after a gap the curves would not be what happened.
export async function begin() {
  const past = await get("/api/v1/figures/history").catch(() => null);
  if (past === null) return;
  const columns = PLOTS.map((plot) => new Columns(plot, past));
  if (drawn.length === 0) {
    drawn = columns.map((own) => ({ columns: own, plot: new Plot(place, own.plot, own.data) }));
    return;
  }
  drawn.forEach((one, at) => {
    one.columns = columns[at];
    one.plot.draw(one.columns.data);
  });
}

export function add(figures) {
  for (const { columns, plot } of drawn) {
    columns.add(figures);
    plot.draw(columns.data);
  }
}
