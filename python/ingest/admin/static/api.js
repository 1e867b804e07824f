// The admin API as this page uses it: JSON both ways, the session in a cookie that no script sees.

export class Problem extends Error {}

export const get = (path) => ask("GET", path);
export const post = (path, fields) => ask("POST", path, fields);
export const patch = (path, fields) => ask("PATCH", path, fields);
export const remove = (path) => ask("DELETE", path);

// Resolves to the answer's object (null without one); rejects with a Problem that a person can read.
async function ask(method, path, fields) {
  const request = { method };
  if (fields !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(fields);
  }
  const answer = await fetch(path, request).catch(() => null);
  if (answer === null) throw new Problem("the admin process does not answer");
  if (answer.status === 401) leave();
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Problem(told?.message ?? `the admin process answered ${answer.status}`);
  return told;
}

// Go where one logs in: the session ended, by time, by a logout or with the process.
export function leave() {
  location.replace("/login");
}
