// Begins a session by the code of a link (behind its #, which no server sees) or by the token.

const told = document.getElementById("told");
const form = document.getElementById("form");

async function begin(secret) {
  const answer = await fetch("/api/v1/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(secret),
  }).catch(() => null);
  if (answer?.ok) {
    location.replace("/");
    return;
  }
  told.textContent = answer ? await reason(answer) : "The admin process does not answer.";
  form.token.focus();
}

async function reason(answer) {
  const retry = answer.headers.get("Retry-After");
  if (answer.status === 429) return `Too many wrong tries: wait ${retry} s.`;
  const problem = await answer.json().catch(() => ({}));
  return `Not logged in: ${problem.message ?? answer.status}.`;
}

function takeCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code === null) return;
  history.replaceState(null, "", location.pathname); // it is of no use to who looks back
  begin({ code });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  told.textContent = "";
  begin({ token: form.token.value.trim() });
});
addEventListener("hashchange", takeCode);
takeCode();
