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

// A table with a head; a column is [title, class], a row an array of nodes or texts. On a phone one
// of the kind "stacked" shows its rows as cards, a cell a line; one of the kind "compact" shows the
// first two cells and below them the others in as few lines as they need.
export function table(caption, columns, rows, empty, kind = null) {
  const heads = columns.map(([title, kind]) => element("th", { scope: "col", class: kind ?? null }, title));
  const body = rows.map((row) => tableRow(columns, row));
  const none = element("tr", {}, element("td", { colspan: columns.length, class: "note" }, empty));
  return element(
    "table",
    { class: kind },
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...(body.length ? body : [none])),
  );
}

function tableRow(columns, cells) {
  const cell = (content, [title, kind]) => element("td", { class: kind ?? null, "data-title": title }, content);
  return element("tr", {}, ...cells.map((content, at) => cell(content, columns[at])));
}

export function badge(text, kind = "") {
  return element("span", { class: `badge ${kind}` }, text);
}
