// Starts the dashboard: what each view does is in a module of its own.

import { leave, remove } from "./api.js";
import * as latest from "./latest.js";
import * as letters from "./letters.js";
import * as overview from "./overview.js";
import * as projects from "./projects.js";
import { route } from "./router.js";
import * as stream from "./stream.js";

const FIGURES = "figures"; // in every view: the head tells of dead letters

document.getElementById("logout").addEventListener("click", async () => {
  await remove("/api/v1/session").catch(() => null);
  leave();
});
for (const view of [overview, latest, letters, projects]) view.start();
route({
  overview: () => stream.watch(FIGURES),
  live: () => {
    stream.watch(FIGURES, "events", "refusals");
    latest.enter();
  },
  letters: () => {
    stream.watch(FIGURES);
    letters.refresh();
  },
  projects: () => {
    stream.watch(FIGURES);
    projects.refresh();
  },
});
