// Projects: list, make, put on another plan.

import { get, patch, post } from "./api.js";
import { element, table } from "./element.js";
import { count, time } from "./format.js";
import { manage, showOnce } from "./keys.js";
import { doing, tell } from "./told.js";

const PATH = "/api/v1/project";
const PAGE = 100;
const COLUMNS = [["Project", null], ["Plan", null], ["Keys that work", "number"], ["Made", null], ["Id", "mono"], ["", null]];
const form = document.getElementById("projects-create");
const place = document.getElementById("projects-table");
const more = document.getElementById("projects-more");
let plans = [];
let projects = [];
let next = null;

export function refresh() {
  return doing(form.querySelector("button"), async () => {
    plans = (await get("/api/v1/plan")).plans;
    form.elements.plan.replaceChildren(...options("free"));
    projects = [];
    take(await get(`${PATH}?limit=${PAGE}`));
  });
}

function take(told) {
  projects.push(...told.projects);
  next = told.next;
  more.hidden = next === null;
  place.replaceChildren(table("Projects", COLUMNS, projects.map(row), "No projects.", "stacked"));
}

function row(project) {
  const open = (event) => manage(event.target, project).then(refresh);
  return [
    element("strong", {}, project.name),
    planOf(project),
    count(project.active_keys),
    time(project.created_at),
    project.project_id,
    element("button", { type: "button", "aria-label": `Keys of ${project.name}`, click: open }, "Keys"),
  ];
}

function planOf(project) {
  const change = (event) => setPlan(event.target, project);
  const select = element("select", { "aria-label": `Plan of ${project.name}`, change }, ...options(project.plan));
  return select;
}

// A plan that the settings no longer know is shown, too.
function options(chosen) {
  const names = plans.map((plan) => plan.name);
  if (!names.includes(chosen)) names.push(chosen);
  return names.map((name) => element("option", { selected: name === chosen }, name));
}

async function setPlan(select, project) {
  const plan = select.value;
  const done = await doing(select, () => patch(`${PATH}/${project.project_id}`, { plan }));
  if (done) {
    project.plan = plan;
    tell(`${project.name} is on the plan ${plan}.`);
  } else {
    select.value = project.plan;
  }
}

async function create() {
  const { name, plan } = form.elements;
  const made = await doing(form.querySelector("button"), () => post(PATH, { name: name.value, plan: plan.value }));
  if (!made) return;
  name.value = "";
  await showOnce(`Key of ${made.name}`, made.api_key);
  await refresh();
}

export function start() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    create();
  });
  more.addEventListener("click", () =>
    doing(more, async () => take(await get(`${PATH}?limit=${PAGE}&after=${encodeURIComponent(next)}`))));
}
