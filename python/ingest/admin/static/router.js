// One view at a time, chosen by the address behind #, so that back, reload and links work.

const VIEWS = ["overview", "live", "letters", "projects"];

// `entered` has a function for each view that wants to know that it is shown.
export function route(entered) {
  const turn = () => {
    const asked = location.hash.slice(1);
    const view = VIEWS.includes(asked) ? asked : VIEWS[0];
    for (const name of VIEWS) document.getElementById(name).hidden = name !== view;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    scrollTo(0, 0); // not to the section, which the head would cover
    entered[view]?.();
  };
  addEventListener("hashchange", turn);
  turn();
}
