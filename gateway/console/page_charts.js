// Escalations and cost along time: what the expert was asked for, and what it all came to.
import { get, query } from "./api.js";
import { stacked } from "./chart.js";
import { fill, h } from "./dom.js";
import { count, dollars, moment, seconds, share } from "./format.js";
import { broken, empty, loading, status } from "./states.js";

const RANGES = { hour: [3600, 30, "The last hour"], day: [86_400, 24, "The last day"], week: [604_800, 28, "The last seven days"], month: [2_592_000, 30, "The last thirty days"] };
const COLOURS = ["var(--expert)", "var(--write)", "var(--small)", "var(--read)", "var(--destroy)", "var(--client)"];
let range = "day";

export function chartsPage(root, { signal, again }) {
  const place = h("div.stack", {}, loading());
  const choice = h("select", { "aria-label": "Time", style: { width: "auto" }, on: { change: (event) => { range = event.target.value; load(); } } }, Object.entries(RANGES).map(([value, [, , name]]) => { const made = h("option", { value }, name); made.selected = value === range; return made; }));
  fill(root, h("header.page-head", {}, h("div", {}, h("h1", {}, "Costs and escalations"), h("p", {}, "What was lent to the expert, why, and what it cost.")), choice), place);

  async function load() {
    const [length, buckets] = RANGES[range];
    try {
      const stats = await get(query("v1/stats", { since: Date.now() / 1000 - length, buckets }), signal);
      fill(place, stats.runs.total ? charts(stats) : empty("No runs in this time", "Choose a longer time, or ask something in the playground.", h("a.button", { href: "#/playground" }, "Open the playground")));
    } catch (problem) {
      if (problem.name !== "AbortError") fill(place, broken(problem, again));
    }
  }
  load();
}

function charts(stats) {
  const tick = (at) => new Date(at * 1000).toLocaleString("en-GB", RANGES[range][0] > 86_400 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
  const columns = (of) => stats.buckets.map((bucket) => ({ name: moment(bucket.at), tick: tick(bucket.at), values: of(bucket) }));
  const reasons = stats.escalations.by_reason.map(({ reason }, place) => ({ key: reason, name: reason.replaceAll("_", " "), colour: COLOURS[place % COLOURS.length] }));
  return [tiles(stats),
    stats.complete ? null : h("p.note", {}, "There are more runs in this time than are looked at; the oldest are missing here."),
    h("div.columns", {},
      stacked({ title: "Cost by model", columns: columns((bucket) => bucket.cost_usd), told: dollars, series: [{ key: "intermediary", name: "intermediary", colour: "var(--small)" }, { key: "expert", name: "expert", colour: "var(--expert)" }] }),
      stacked({ title: "Escalations by reason", columns: columns((bucket) => bucket.escalations), told: count, whole: true, series: reasons }),
      stacked({ title: "Runs", columns: columns((bucket) => ({ ok: bucket.runs - bucket.failed, failed: bucket.failed })), told: count, whole: true, series: [{ key: "ok", name: "not failed", colour: "var(--read)" }, { key: "failed", name: "failed", colour: "var(--destroy)" }] }),
      why(stats)),
    h("div.columns", {}, slowest(stats), failing(stats))];
}

function tiles(stats) {
  const tile = (name, value, more) => h("div", {}, h("dt", {}, name), h("dd", {}, value, more ? h("small", {}, ` ${more}`) : null));
  const runs = stats.runs.total;
  const { total, by_role: by } = stats.cost_usd;
  return h("dl.tiles", {}, tile("Runs", count(runs)), tile("Cost", dollars(total)), tile("A run costs", dollars(total / runs)), tile("Expert's part", total ? share((by.expert ?? 0) / total) : "–"),
    tile("Escalations", count(stats.escalations.total), stats.escalations.failed ? `${stats.escalations.failed} in vain` : ""), tile("Median run", seconds(stats.runs.elapsed_s?.p50)), tile("Tokens", count(stats.total_tokens)));
}

function why(stats) {
  return h("section.card", { "aria-labelledby": "why" }, h("header", {}, h("h2", { id: "why" }, "Why the expert was asked")), stats.escalations.total ? h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Reason"), h("th.n", { scope: "col" }, "Times"), h("th.n", { scope: "col" }, "Cost"))),
    h("tbody", {}, stats.escalations.by_reason.map((each) => h("tr", {}, h("td", {}, each.reason.replaceAll("_", " ")), h("td.n", {}, count(each.count)), h("td.n", {}, dollars(each.cost_usd))))))) : h("p.hint", {}, "It was not: the intermediary decided everything itself."));
}

const slowest = (stats) => h("section.card", { "aria-labelledby": "slow" }, h("header", {}, h("h2", { id: "slow" }, "Slowest runs")), h("div.scroll", {}, h("table", {}, h("tbody", {}, stats.slowest.slice(0, 6).map((run) => h("tr", {}, h("td", {}, h("a", { href: `#/runs/${encodeURIComponent(run.id)}` }, run.question || run.id)), h("td", {}, status(run.status)), h("td.n", {}, seconds(run.elapsed_s))))))));

function failing(stats) {
  const bad = stats.tools.filter((tool) => tool.failed + tool.refused).sort((one, other) => other.failed + other.refused - one.failed - one.refused).slice(0, 6);
  return h("section.card", { "aria-labelledby": "failing" }, h("header", {}, h("h2", { id: "failing" }, "Tools that fail most")), bad.length ? h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Tool"), h("th.n", { scope: "col" }, "Failed"), h("th.n", { scope: "col" }, "Refused"), h("th.n", { scope: "col" }, "Of"))),
    h("tbody", {}, bad.map((tool) => h("tr", {}, h("td", {}, h("a", { href: `#/tools/${encodeURIComponent(tool.name)}` }, h("code", {}, tool.name))), h("td.n", {}, count(tool.failed)), h("td.n", {}, count(tool.refused)), h("td.n", {}, count(tool.calls + tool.refused))))))) : h("p.hint", {}, "None failed."));
}
