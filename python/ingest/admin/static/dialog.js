// Dialogs over the page; closed by Escape or a button, the focus goes back to where it was.

import { element } from "./element.js";

// Show something until it is closed.
export function show(title, ...content) {
  const dialog = open(title, content, [closing("Close", "", "primary")]);
  return ended(dialog);
}

// Resolves to whether the person said yes.
export async function confirmed(title, text, yes) {
  const buttons = [closing("Cancel", "", ""), closing(yes, "yes", "danger")];
  const dialog = open(title, [element("p", {}, text)], buttons);
  return (await ended(dialog)) === "yes";
}

function open(title, content, buttons) {
  const form = element("form", { method: "dialog", class: "buttons" }, ...buttons);
  const dialog = element("dialog", { "aria-label": title }, element("h2", {}, title), ...content, form);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function closing(text, value, kind) {
  return element("button", { value, class: kind }, text);
}

function ended(dialog) {
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}
