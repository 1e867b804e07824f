// Numbers as people read them, with their units. Always en-US: the page is in English.

const NONE = "–";
const PLAIN = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const DIGITS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY_TIME = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const known = (write) => (value) => (Number.isFinite(value) ? write(value) : NONE);

export const count = known((value) => PLAIN.format(value));
export const short = known((value) => (value < 1000 ? DIGITS.format(value) : SHORT.format(value)));
export const rate = known((value) => `${short(value)}/s`);
export const percent = known((value) => `${DIGITS.format(value)} %`);

// A count with its noun; `write` is how its number is written.
export const counted = (value, noun, write = count) => `${write(value)} ${value === 1 ? noun : `${noun}s`}`;

export const seconds = known((value) => {
  if (value === 0) return "0 s";
  if (value < 0.001) return `${DIGITS.format(value * 1e6)} µs`;
  if (value < 1) return `${DIGITS.format(value * 1e3)} ms`;
  if (value < 120) return `${DIGITS.format(value)} s`;
  if (value < 7200) return `${DIGITS.format(value / 60)} min`;
  if (value < 172800) return `${DIGITS.format(value / 3600)} h`;
  return `${DIGITS.format(value / 86400)} d`;
});

export const bytes = known((value) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${DIGITS.format(value)} ${units[at]}`;
});

// A time of day for an axis; `at` is unix time.
export const clock = (at) => TIME.format(new Date(at * 1000));

// `at` is anything that Date takes; a time today goes without its day.
export function time(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return NONE;
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? TIME : DAY_TIME).format(date);
}
