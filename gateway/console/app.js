// The frame: which page the address names, the navigation, the key.
import { key, onUnauthorized } from "./api.js";
import { fill, h, s } from "./dom.js";
import { askForKey } from "./key_dialog.js";
import { waitingCalls } from "./waiting.js";
import { approvalsPage } from "./page_approvals.js";
import { chartsPage } from "./page_charts.js";
import { playgroundPage } from "./page_playground.js";
import { runPage } from "./page_run.js";
import { runsPage } from "./page_runs.js";
import { schedulesPage } from "./page_schedules.js";
import { toolPage } from "./page_tool.js";
import { toolsPage } from "./page_tools.js";
import { broken } from "./states.js";
import { apply, switcher } from "./theme.js";

const PAGES = [
  { path: "runs", name: "Runs", icon: "M4 6h9M8 12h12M12 18h6", page: runsPage, one: runPage },
  { path: "playground", name: "Playground", icon: "M4 5h16v11H9l-5 4zM8.5 10.5h7", page: playgroundPage },
  { path: "tools", name: "Tools", icon: "M14.5 6.5a4 4 0 0 0-5.2 5.2L4 17l3 3 5.3-5.3a4 4 0 0 0 5.2-5.2l-2.4 2.4-2.5-.6-.6-2.5z", page: toolsPage, one: toolPage },
  { path: "approvals", name: "Approvals", icon: "M4 12.5l5 5L20 6.5", page: approvalsPage },
  { path: "schedules", name: "Schedules", icon: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3.2 2", page: schedulesPage },
  { path: "costs", name: "Costs", icon: "M4 20V10M10 20V4M16 20v-7M21 20H3", page: chartsPage },
];
const main = document.getElementById("main");
const nav = document.getElementById("nav");
let leaving = new AbortController();

function show({ focus = true } = {}) {
  const [path, id] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const page = PAGES.find((each) => each.path === path) ?? PAGES[0];
  leaving.abort();
  leaving = new AbortController();
  const root = h("div.stack");
  fill(main, root);
  for (const link of nav.querySelectorAll("a")) {
    if (link.dataset.path === page.path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${id && page.one ? id : page.name} · Gateway console`;
  scrollTo(0, 0);
  try {
    (id && page.one ? page.one : page.page)(root, { id, signal: leaving.signal, again: () => show({ focus: false }) });
  } catch (error) {
    fill(root, broken(error, () => show()));
  }
  if (focus) main.focus({ preventScroll: true });
}

function navigation() {
  return h("ul", {}, PAGES.map(({ path, name, icon }) => h("li", {}, h("a", { href: `#/${path}`, "data-path": path },
    s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: icon })), h("span", {}, name)))));
}

/** How many calls wait for a person, in the navigation of every page. */
async function countWaiting() {
  const link = nav.querySelector('[data-path="approvals"]');
  try {
    const waiting = document.hidden ? null : (await waitingCalls()).length;
    if (waiting !== null) {
      link.querySelector(".count")?.remove();
      if (waiting) link.append(h("span.count", {}, String(waiting), h("span.sr", {}, " waiting")));
    }
  } catch {
    // The page itself says what is wrong; a count that is missing is no news.
  }
}

apply();
fill(nav, navigation());
const wantKey = () => askForKey(() => show());
fill(document.getElementById("side-foot"),
  h("button", { type: "button", "aria-label": "API key", on: { click: wantKey } }, s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: "M14.5 9.5a5 5 0 1 1-1.8-3.8 5 5 0 0 1 1.8 3.8zM13 13l7 7M17 17l2.5-2.5" })), h("span.long", {}, "API key")), switcher());
document.addEventListener("key-wanted", wantKey);
document.addEventListener("waiting-changed", countWaiting);
onUnauthorized(() => { if (!key()) wantKey(); });
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
addEventListener("hashchange", () => show());
show({ focus: false });
countWaiting();
setInterval(countWaiting, 10_000);
