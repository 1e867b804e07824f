// Makes elements. Texts become text nodes only: events and names come from strangers.

// `attributes` are ours alone; a value of null or false leaves one out, functions listen.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

// A table with a head; a column is [title, class], a row an array of nodes or texts, or a <tr>.
export function table(caption, columns, rows, empty) {
  const heads = columns.map(([title, kind]) => element("th", { scope: "col", class: kind ?? null }, title));
  const body = rows.map((row) => (row instanceof Node ? row : tableRow(columns, row)));
  const none = element("tr", {}, element("td", { colspan: columns.length, class: "note" }, empty));
  return element(
    "table",
    {},
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...(body.length ? body : [none])),
  );
}

export function tableRow(columns, cells) {
  return element("tr", {}, ...cells.map((cell, at) => element("td", { class: columns[at][1] ?? null }, cell)));
}

export function badge(text, kind = "") {
  return element("span", { class: `badge ${kind}` }, text);
}
