// Tells a person what became of what they did; read out by a screen reader, gone after a while.

const SHOWN_MS = 6000;
const place = document.getElementById("told");
let timer = 0;

export function tell(text) {
  clearTimeout(timer);
  place.textContent = text;
  place.hidden = false;
  timer = setTimeout(() => { place.hidden = true; }, SHOWN_MS);
}

// Do what a person asked for; `button` can't be pressed meanwhile, a failure is told.
export async function doing(button, work) {
  button.disabled = true;
  try {
    return await work();
  } catch (problem) {
    tell(`That did not work: ${problem.message}.`);
    return undefined;
  } finally {
    button.disabled = false;
  }
}
