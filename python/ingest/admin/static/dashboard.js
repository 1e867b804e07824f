// Starts the dashboard: what each view does is in a module of its own.

import { leave, remove } from "./api.js";
import * as letters from "./letters.js";
import { route } from "./router.js";

document.getElementById("logout").addEventListener("click", async () => {
  await remove("/api/v1/session").catch(() => null);
  leave();
});
letters.start();
route({ letters: letters.refresh });
