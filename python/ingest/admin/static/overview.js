// The overview: everything that the figures of each second tell.

import * as faults from "./faults.js";
import * as plots from "./plots.js";
import * as processes from "./processes.js";
import * as refusals from "./refusals.js";
import * as stream from "./stream.js";
import * as tiles from "./tiles.js";

const letters = document.getElementById("letters-count");

function draw(now) {
  letters.hidden = !now.dead_letters;
  letters.textContent = now.dead_letters ?? "";
  for (const panel of [faults, tiles, processes, refusals]) panel.draw(now);
  plots.add(now);
}

export function start() {
  stream.listen("figures", draw);
  stream.whenJoined(plots.begin);
}
