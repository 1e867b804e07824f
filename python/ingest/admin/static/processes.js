// Each process: whether it runs, and what it takes.

import { badge, table } from "./element.js";
import { bytes, count, percent, seconds } from "./format.js";

const COLUMNS = [["Process", null], ["State", null], ["CPU", "number"], ["Memory", "number"], ["Restarts", "number"], ["Up for", "number"], ["Pid", "number"]];
const KINDS = { running: "good", starting: "warn", waiting: "warn" };

export function draw({ processes }) {
  const rows = processes.map((one) => [
    one.name,
    badge(one.state, KINDS[one.state] ?? "bad"),
    percent(one.cpu_percent),
    bytes(one.memory_bytes),
    one.restarts ? badge(count(one.restarts), "warn") : count(one.restarts),
    seconds(one.uptime_s),
    one.pid ?? "–",
  ]);
  document.getElementById("processes").replaceChildren(table("Processes", COLUMNS, rows, "No process is known yet.", "compact"));
}
