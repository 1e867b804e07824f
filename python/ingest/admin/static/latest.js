// The latest events and refusals as they come. At most MOST of each; a pause lets one read.

import { get } from "./api.js";
import { badge, element } from "./element.js";
import { count, counted, time } from "./format.js";
import * as stream from "./stream.js";

const MOST = 100;
const SHOWN_CHARACTERS = 160;
const filter = document.getElementById("live-filter");
const { project, type, pause } = filter.elements;
const lists = { events: list("events"), refusals: list("refused") };
const projects = new Map();
let isPaused = false;

// What came of one topic, the newest first, and the list that shows it.
function list(id) {
  const items = element("ol", { class: "latest", "aria-live": "off", tabindex: "0" });
  const passed = element("p", { class: "note" });
  document.getElementById(id).append(passed, items);
  return { items, passed, came: [], total: 0 };
}

function take(own, came, passed) {
  own.total += passed ?? 0;
  own.came = [...came.reverse(), ...own.came].slice(0, MOST);
  if (!isPaused) draw(own);
}

function draw(own) {
  const wanted = own.came.filter(isWanted);
  own.items.replaceChildren(...wanted.map((one) => one.item));
  const shown = wanted.length ? `the latest ${count(wanted.length)} shown below` : "none to show yet";
  own.passed.textContent = `${count(own.total)} since you look, ${shown}.`;
}

function isWanted({ message }) {
  const isOfProject = !project.value || message.project_id === project.value;
  const kind = message.event_type ?? message.code ?? "";
  return isOfProject && kind.includes(type.value.trim());
}

function takeEvents({ events, passed }) {
  take(lists.events, events.map((message) => ({ message, item: eventItem(message) })), passed);
  events.forEach(know);
}

function takeRefusals({ refusals, passed }) {
  take(lists.refusals, refusals.map((message) => ({ message, item: refusalItem(message) })), passed);
  refusals.forEach(know);
}

function eventItem(event) {
  const text = event.properties + (event.is_cut ? " …" : "");
  const start = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)} …` : text;
  const ids = `event ${event.event_id}, user ${event.user_id ?? "none"}, session ${event.session_id ?? "none"}, of ${event.timestamp}`;
  return element(
    "li",
    {},
    head(event.received_at, element("strong", {}, event.event_type), event.project ?? event.project_id),
    element("details", {}, element("summary", { class: "mono" }, start), element("p", { class: "mono note" }, ids), element("pre", {}, text)),
  );
}

function refusalItem(refusal) {
  const status = badge(refusal.status, refusal.status >= 500 ? "bad" : "warn");
  const what = refusal.rejected ? `${counted(refusal.rejected, "event")} rejected` : refusal.message;
  const events = refusal.events.map((one) => element("li", {}, `event ${one.index}: ${one.code}, ${one.field || "the event"}: ${one.message}`));
  const where = `${refusal.route} on ${refusal.process}, request ${refusal.request_id || "without id"}`;
  return element(
    "li",
    {},
    head(refusal.at * 1000, element("span", {}, status, " ", element("strong", {}, refusal.code)), refusal.project ?? "no known key"),
    element("p", {}, what),
    element("ul", { class: "note" }, ...events),
    element("p", { class: "note" }, where),
  );
}

function head(at, what, who) {
  return element("div", { class: "line" }, element("time", { class: "note" }, time(at)), what, element("span", { class: "who" }, who));
}

// Remember a project that is seen, so that one can ask for it alone; a new one's name comes later.
function know({ project_id: id, project: name }) {
  if (!id) return;
  if (!projects.has(id)) {
    projects.set(id, element("option", { value: id }, id));
    project.append(projects.get(id));
  }
  if (name) projects.get(id).textContent = name;
}

function drawAll() {
  Object.values(lists).forEach(draw);
}

// Called when the view is shown: projects that have sent nothing yet can be chosen too.
export async function enter() {
  const told = await get("/api/v1/project?limit=1000").catch(() => null);
  told?.projects.forEach((one) => know({ project_id: one.project_id, project: one.name }));
}

export function start() {
  stream.listen("events", takeEvents);
  stream.listen("refusals", takeRefusals);
  drawAll();
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", drawAll);
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", isPaused);
    pause.textContent = isPaused ? "Go on" : "Pause";
    if (!isPaused) drawAll();
  });
}
