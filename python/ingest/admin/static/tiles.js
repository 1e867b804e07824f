// The numbers that one looks at first.

import { element } from "./element.js";
import { bytes, count, counted, rate, seconds, short } from "./format.js";

// Time to act before events are refused.
const SOON_S = 600;
// Said of a day and of all above it.
const FAR_S = 86400;
const place = document.getElementById("tiles");

// [title, value, what stands below it, how bad it is]
function tiles(now) {
  const { events, lag } = now;
  const request = now.latency.request.recent;
  const fresh = now.freshness.recent;
  return [
    ["Events in", rate(events.accepted.per_s), `${short(events.accepted.total)} accepted`],
    ["Stored", rate(events.stored.per_s), `${short(events.stored.total)} and ${counted(events.duplicates.total, "duplicate", short)}`],
    ["Rejected", rate(events.rejected.per_s), counted(events.rejected.total, "event", short), events.rejected.per_s > 0 ? "warn" : ""],
    ["Request p95", seconds(request.p95), `p50 ${seconds(request.p50)}, p99 ${seconds(request.p99)}`],
    ["Freshness p95", seconds(fresh.p95), `p50 ${seconds(fresh.p50)}, p99 ${seconds(fresh.p99)}`],
    ["Lag", lag.events === null ? "unknown" : counted(lag.events, "event", short), `oldest ${seconds(lag.oldest_s)}`, lagKind(lag)],
    ["Dead letters", count(now.dead_letters), "", now.dead_letters > 0 ? "warn" : ""],
    pressure(now),
  ];
}

function lagKind(lag) {
  if (lag.events === null || lag.oldest_s > 60) return "bad";
  return lag.oldest_s > 5 ? "warn" : "";
}

function pressure(now) {
  const codes = [...new Set(now.refusing.map((one) => one.code))];
  if (codes.length) return ["Back-pressure", codes.join(", "), room(now), "bad"];
  const left = now.valkey?.full_in_s ?? Infinity;
  return ["Back-pressure", "none", room(now), left < SOON_S ? "warn" : ""];
}

function room({ valkey }) {
  if (valkey === null) return "Valkey is away";
  if (valkey.full_in_s !== null && valkey.full_in_s < FAR_S) return `Valkey is full in ${seconds(valkey.full_in_s)}`;
  if (valkey.refusing_at_bytes === null) return `Valkey holds ${bytes(valkey.used_bytes)}`;
  return `${bytes(valkey.used_bytes)} of ${bytes(valkey.refusing_at_bytes)}`;
}

export function draw(now) {
  place.replaceChildren(...tiles(now).map(([title, value, below, kind]) =>
    element("div", { class: `card tile ${kind ?? ""}` }, element("dt", {}, title), element("dd", {}, value, element("small", {}, below)))));
}
