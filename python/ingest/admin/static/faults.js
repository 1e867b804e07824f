// What is wrong now, in words, above everything else. Drawn again only when it changes, so that a
// screen reader tells it once.

import { element, badge } from "./element.js";

const place = document.getElementById("faults");
let shown = "";

function faults(now) {
  const parts = now.parts.filter((part) => part.reason).map((part) => [part.name, part.reason, "bad"]);
  const told = new Set(parts.map(([name]) => name));
  const away = now.processes.filter((one) => one.state !== "running" && !told.has(one.name));
  const missing = now.partitions?.missing ?? [];
  return [
    ...parts,
    ...away.map((one) => [one.name, `this process is ${one.state}`, "bad"]),
    ...now.refusing.map((one) => [one.process, `takes no events: ${one.code}`, "bad"]),
    ...(missing.length ? [["partitions", `missing for ${missing.join(", ")}`, "bad"]] : []),
    ...(now.ack === "memory" ? [["valkey", "answers say Ingest-Ack: memory: not every append is on disk", "warn"]] : []),
  ];
}

export function draw(now) {
  const found = faults(now);
  const text = JSON.stringify(found);
  if (text === shown) return;
  shown = text;
  place.hidden = found.length === 0;
  place.replaceChildren(...found.map(([name, reason, kind]) => element("li", { class: kind }, badge(name, kind), ` ${reason}`)));
}
