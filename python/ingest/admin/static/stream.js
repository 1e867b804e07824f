// The live stream: server-sent events by topic, joined again for as long as the page is open.

import { get } from "./api.js";

const AGAIN_MS = 3000;
// Figures come once a second, less often while a server that is asked for them hangs.
const SILENT_MS = 10000;
const badge = document.getElementById("link");
let source = null;
let topics = "";
let timer = 0;
let heardAt = 0;
const listeners = new Map();
let joined = () => {};

// Call `take` with each message of a topic.
export function listen(topic, take) {
  listeners.set(topic, take);
}

// Call `take` whenever the stream begins anew: what came meanwhile was missed.
export function whenJoined(take) {
  joined = take;
}

// Watch these topics from now on, and no other.
export function watch(...wanted) {
  if (wanted.join() === topics) return;
  topics = wanted.join();
  open();
}

function open() {
  clearTimeout(timer);
  source?.close();
  const own = new EventSource(`/api/v1/stream?topics=${topics}`);
  source = own;
  own.addEventListener("open", () => {
    hear();
    joined();
  });
  own.addEventListener("error", () => {
    if (own !== source) return;
    tell("reconnecting", "warn");
    // A browser tries again by itself after a lost connection, not after a refusal.
    if (own.readyState === EventSource.CLOSED) timer = setTimeout(again, AGAIN_MS);
  });
  for (const [topic, take] of listeners) {
    own.addEventListener(topic, (event) => {
      hear();
      take(JSON.parse(event.data));
    });
  }
}

async function again() {
  // An EventSource does not tell why it was refused; this leaves when the session has ended.
  await get("/api/v1/figures").catch(() => null);
  open();
}

function hear() {
  heardAt = performance.now();
  tell("live", "good");
}

// What is shown is old when nothing comes over a connection that stands.
setInterval(() => {
  const silent = performance.now() - heardAt;
  if (source?.readyState === EventSource.OPEN && silent > SILENT_MS) tell(`silent for ${Math.round(silent / 1000)} s`, "bad");
}, 1000);

function tell(text, kind) {
  if (badge.textContent !== text) badge.textContent = text; // a screen reader reads it out
  badge.className = `badge ${kind}`;
}

// A page that is left takes its stream along; one that comes back from the browser's memory joins.
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) open();
});
