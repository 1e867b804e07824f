// Dead letters: find, read, replay, drop. The newest first, a page at a time.

import { get, post } from "./api.js";
import { confirmed, show } from "./dialog.js";
import { element, table } from "./element.js";
import { bytes, count, counted, time } from "./format.js";
import { doing, tell } from "./told.js";

const PATH = "/api/v1/dead-letters";
const PAGE = 50;
const COLUMNS = [["", "choose"], ["Letter", null], ["Died", "time"], ["Code", "mono"], ["Why", "why"], ["Project", null]];

const byId = (id) => document.getElementById(id);
const filter = byId("letters-filter");
const replayButton = byId("letters-replay");
const dropButton = byId("letters-drop");
const older = byId("letters-older");
let letters = [];
let total = 0;
const chosen = new Set();

// Read the newest letters that the filter lets through.
export async function refresh() {
  await doing(filter.querySelector("button"), async () => {
    take(await get(`${PATH}?${query()}`), []);
  });
}

async function refreshOlder() {
  const last = letters[letters.length - 1].id;
  await doing(older, async () => take(await get(`${PATH}?${query()}&before=${last}`), letters));
}

function query() {
  const given = new URLSearchParams({ limit: PAGE });
  for (const name of ["code", "project"]) {
    const value = filter.elements[name].value.trim();
    if (value) given.set(name, value);
  }
  return given;
}

function take(told, before) {
  letters = [...before, ...told.letters];
  total = told.total;
  older.hidden = told.letters.length < PAGE;
  const there = new Set(letters.map((letter) => letter.id));
  for (const id of chosen) if (!there.has(id)) chosen.delete(id);
  draw();
}

function draw() {
  byId("letters-table").replaceChildren(table("Dead letters", COLUMNS, letters.map(row), "No dead letters.", "stacked"));
  byId("letters-table").querySelector("th").append(chooseAll());
  drawChosen();
}

function drawChosen() {
  replayButton.disabled = dropButton.disabled = chosen.size === 0;
  byId("letters-total").textContent = `${count(chosen.size)} of ${count(total)} selected`;
}

function row(letter) {
  const choose = element("input", {
    type: "checkbox",
    "aria-label": `Select letter ${letter.id}`,
    change: (event) => {
      if (event.target.checked) chosen.add(letter.id);
      else chosen.delete(letter.id);
      drawChosen();
    },
  });
  choose.checked = chosen.has(letter.id);
  const details = element("button", { type: "button", click: (event) => read(event.target, letter) }, String(letter.id));
  const of = letter.project ?? letter.project_id ?? `entry ${letter.entry_id}, ${counted(letter.rows, "event")}`;
  return [choose, details, time(letter.dead_at), letter.code, letter.message, of];
}

function chooseAll() {
  return element("input", {
    type: "checkbox",
    "aria-label": "Select all letters that are shown",
    change: (event) => {
      for (const letter of letters) {
        if (event.target.checked) chosen.add(letter.id);
        else chosen.delete(letter.id);
      }
      for (const box of byId("letters-table").querySelectorAll("tbody input")) box.checked = event.target.checked;
      drawChosen();
    },
  });
}

function read(button, letter) {
  return doing(button, async () => {
    const whole = await get(`${PATH}/letter?id=${letter.id}`);
    const { event, ...told } = whole;
    const facts = element("pre", {}, describe(told));
    const what = event === null ? "Its JSON can't be shown." : JSON.stringify(event, null, 2);
    show(`Dead letter ${letter.id}`, facts, element("h3", {}, "Event"), element("pre", {}, what));
  });
}

function describe(told) {
  const known = Object.entries(told).filter(([, value]) => value !== null);
  return known.map(([name, value]) => `${name}: ${name === "nbytes" ? bytes(value) : value}`).join("\n");
}

function replay() {
  return doing(replayButton, async () => {
    const done = await post(`${PATH}/replay`, { ids: [...chosen] });
    const rest = done.is_complete ? "" : " Time is up: replay again for the rest.";
    tell(`${counted(done.stored, "event")} stored, ${count(done.duplicates)} already stored, ${count(done.dead)} still dead.${rest}`);
    await refresh();
  });
}

async function drop() {
  const text = "They are deleted for ever; the ledger goes on counting them as dead.";
  if (!(await confirmed(`Drop ${counted(chosen.size, "dead letter")}?`, text, "Drop"))) return;
  await doing(dropButton, async () => {
    const done = await post(`${PATH}/drop`, { ids: [...chosen] });
    tell(`${counted(done.letters, "letter")} dropped.`);
    await refresh();
  });
}

export function start() {
  filter.addEventListener("submit", (event) => {
    event.preventDefault();
    refresh();
  });
  replayButton.addEventListener("click", () => replay().then(drawChosen));
  dropButton.addEventListener("click", () => drop().then(drawChosen));
  older.addEventListener("click", refreshOlder);
}
