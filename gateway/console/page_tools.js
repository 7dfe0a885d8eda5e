// The registry: what each tool does to the world, and how it fares.
import { get, query } from "./api.js";
import { fill, h } from "./dom.js";
import { count, seconds, share } from "./format.js";
import { broken, effect, empty, loading } from "./states.js";

export const WEEK_S = 7 * 86_400;

export async function toolsPage(root, { signal, again }) {
  const place = h("div", {}, loading());
  fill(root, h("header.page-head", {}, h("div", {}, h("h1", {}, "Tools"), h("p", {}, "Everything that models may call here, with how it went in the last seven days."))), place);
  try {
    const [tools, stats] = await Promise.all([get("v1/tools", signal), get(query("v1/stats", { since: Date.now() / 1000 - WEEK_S, buckets: 1 }), signal)]);
    const used = new Map(stats.tools.map((tool) => [tool.name, tool]));
    if (!tools.data.length) return void fill(place, empty("No tools are registered", "Name a module with @tool functions under tools.python, or register an HTTP service with POST /v1/tools. The README shows both."));
    const body = h("tbody");
    const rows = (sought) => fill(body, tools.data.filter((tool) => `${tool.name} ${tool.description}`.toLowerCase().includes(sought.toLowerCase())).map((tool) => row(tool, used.get(tool.name))));
    rows("");
    fill(place, h("div.filters", {}, h("input", { type: "search", placeholder: "Name or description", "aria-label": "Find a tool", on: { input: (event) => rows(event.target.value) } })),
      h("div.card.scroll", {}, h("table", {}, h("caption.sr", {}, "Registered tools"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Tool"), h("th", { scope: "col" }, "Effect"), h("th.n", { scope: "col" }, "Calls"), h("th.n", { scope: "col" }, "Errors"), h("th.n", { scope: "col" }, "Refused"), h("th.n", { scope: "col" }, "Median"), h("th.n", { scope: "col" }, "95 %"))), body)));
  } catch (problem) {
    if (problem.name !== "AbortError") fill(place, broken(problem, again));
  }
}

function row(tool, used) {
  const figure = (value) => h("td.n", {}, value);
  return h("tr", {}, h("th", { scope: "row", style: { "white-space": "normal", padding: ".6rem .7rem .6rem 0", color: "inherit" } },
    h("a", { href: `#/tools/${encodeURIComponent(tool.name)}` }, h("code", { style: { "font-weight": 650, "font-size": ".95rem" } }, tool.name)),
    h("p.hint", { style: { "font-weight": 400, "max-width": "52ch" } }, tool.description.split("\n")[0])),
    h("td", {}, effect(tool.effect)), figure(used ? count(used.calls) : "–"),
    h("td.n", {}, used?.calls ? h("span", { class: used.error_rate > 0.1 ? "badge bare bad" : "" }, share(used.error_rate)) : "–"),
    figure(used ? count(used.refused) : "–"), figure(seconds(used?.latency_s?.p50)), figure(seconds(used?.latency_s?.p95)));
}
