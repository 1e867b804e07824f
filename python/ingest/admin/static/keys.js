// The keys of one project: list, add, revoke. A new key is shown once and kept nowhere.

import { get, post, remove } from "./api.js";
import { confirmed, show } from "./dialog.js";
import { badge, element, table } from "./element.js";
import { counted, time } from "./format.js";
import { doing, tell } from "./told.js";

const COLUMNS = [["Key", "mono"], ["Name", null], ["State", null], ["Made", null], ["Ends", null], ["", null]];
const ENDS = [["go on", ""], ["end now", "0"], ["end in an hour", "3600"], ["end in a day", "86400"]];
const KINDS = { active: "good", expired: "warn", revoked: "bad" };

// Resolves when the dialog is closed.
export async function manage(button, project) {
  const path = `/api/v1/project/${project.project_id}/key`;
  const place = element("div", { class: "scroll" });
  const draw = async () => {
    const { keys } = await get(path);
    place.replaceChildren(table(`Keys of ${project.name}`, COLUMNS, keys.map((key) => row(key, path, draw)), "No keys.", "stacked"));
  };
  const opened = await doing(button, async () => {
    await draw();
    return true;
  });
  if (opened) await show(`Keys of ${project.name}`, adding(project, path, draw), place);
}

// Show a new key; it can't be shown again.
export function showOnce(title, key) {
  const shown = element("output", { class: "key mono" }, key);
  const copy = element("button", { type: "button", click: () => copied(shown, key) }, "Copy");
  const note = element("p", {}, "This is shown only now: keep it where your senders find it.");
  return show(title, note, element("p", { class: "filter" }, shown, copy));
}

function row(key, path, draw) {
  const ends = key.revoked_at ?? key.expires_at;
  const revoke = element("button", { type: "button", class: "danger", "aria-label": `Revoke key ${key.key_id}`, click: (event) => end(event.target, key, path, draw) }, "Revoke");
  return [key.key_id, key.name, badge(key.state, KINDS[key.state]), time(key.created_at), ends ? time(ends) : "never", key.state === "revoked" ? "" : revoke];
}

async function end(button, key, path, draw) {
  const text = "Whoever sends with it is refused within two seconds. This can't be undone.";
  if (!(await confirmed(`Revoke key ${key.key_id}?`, text, "Revoke"))) return;
  await doing(button, async () => {
    await remove(`${path}/${key.key_id}`);
    tell(`Key ${key.key_id} is revoked.`);
    await draw();
  });
}

function adding(project, path, draw) {
  const name = element("input", { size: 16, maxlength: 100, autocomplete: "off" });
  const others = element("select", {}, ...ENDS.map(([text, value]) => element("option", { value }, text)));
  const button = element("button", { type: "submit", class: "primary" }, "New key");
  const submit = async (event) => {
    event.preventDefault();
    const fields = { name: name.value };
    if (others.value) fields.others_end_s = Number(others.value);
    const made = await doing(button, () => post(path, fields));
    if (!made) return;
    name.value = "";
    if (made.others_ended) tell(`${counted(made.others_ended, "other key")} will end.`);
    await showOnce(`New key of ${project.name}`, made.api_key);
    await doing(button, draw);
  };
  return element("form", { class: "filter", submit }, label("Name", name), label("The others", others), button);
}

function label(text, control) {
  return element("label", {}, `${text} `, control);
}

async function copied(shown, key) {
  try {
    await navigator.clipboard.writeText(key);
    tell("Copied.");
  } catch {
    getSelection().selectAllChildren(shown);
    tell("This browser lets no page copy: it is selected, copy it yourself.");
  }
}
