// One tool: what it is, what lint says, how it fares, and a form to try it.
import { get, post, query } from "./api.js";
import { fill, h } from "./dom.js";
import { ago, count, json, plural, pretty, seconds, share } from "./format.js";
import { formFor } from "./schema_form.js";
import { broken, effect, loading } from "./states.js";
import { WEEK_S } from "./page_tools.js";

export async function toolPage(root, { id, signal, again }) {
  fill(root, loading());
  try {
    const [tool, stats] = await Promise.all([get(`v1/tools/${encodeURIComponent(id)}`, signal), get(query("v1/stats", { since: Date.now() / 1000 - WEEK_S, buckets: 1 }), signal)]);
    const used = stats.tools.find((each) => each.name === id);
    fill(root, crumb(), head(tool), h("div.columns", {}, h("div.stack", {}, fares(used), definition(tool), lint(tool.lint ?? tool.report)), trial(tool)));
  } catch (problem) {
    if (problem.name !== "AbortError") fill(root, crumb(), broken(problem, again));
  }
}

const crumb = () => h("p.crumb", {}, h("a", { href: "#/tools" }, "← Tools"));
const head = (tool) => h("header.page-head", {}, h("div", {}, h("h1", {}, h("code", { style: { "font-size": ".92em" } }, tool.name)), h("p.told", {}, tool.description), h("p.row", {}, effect(tool.effect),
  tool.annotations.idempotent ? h("span.badge.bare", {}, "may be repeated") : null, tool.annotations.open_world ? h("span.badge.bare", {}, "reaches outside") : null)));

function fares(used) {
  const tile = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  if (!used) return h("section.card", {}, h("header", {}, h("h2", {}, "Last seven days")), h("p.hint", {}, "Not called in a run. Calls by hand are not counted."));
  const failures = Object.entries(used.failures);
  return h("section", { "aria-label": "Last seven days" }, h("dl.tiles", {}, tile("Calls", count(used.calls)), tile("Errors", share(used.error_rate)), tile("Refused", count(used.refused)), tile("Repaired", count(used.repaired)), tile("Escalated", count(used.escalated)), tile("Median", seconds(used.latency_s?.p50)), tile("95 %", seconds(used.latency_s?.p95))),
    h("p.hint", { style: { "margin-top": ".5rem" } }, `Seven days. Last used ${ago(used.last_used)}. `, failures.length ? `Failures: ${failures.map(([kind, times]) => `${kind} ${times}`).join(", ")}. ` : "", h("a", { href: `#/runs` }, "Runs")));
}

function definition(tool) {
  const properties = Object.entries(tool.parameters.properties ?? {});
  const required = new Set(tool.parameters.required ?? []);
  return h("section.card", { "aria-labelledby": "parameters" }, h("header", {}, h("h2", { id: "parameters" }, "Parameters")),
    properties.length ? h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Type"), h("th", { scope: "col" }, "What it is"))),
      h("tbody", {}, properties.map(([name, schema]) => h("tr", {}, h("td", {}, h("code", {}, name), required.has(name) ? null : h("p.hint", {}, "optional")), h("td", {}, h("code", {}, typeOf(schema))), h("td", {}, schema.description ?? "")))))) : h("p.hint", {}, "It takes none."),
    h("details", { style: { "margin-top": ".6rem" } }, h("summary", {}, "The whole definition"), h("pre", { tabindex: "0" }, json(tool))));
}

function typeOf(schema) {
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items ?? {})}[]`;
  return [schema.type ?? "any"].flat().join(" | ");
}

/** The report of lint, where this gateway makes one: `{findings: [{severity, message, path?, …}]}`. */
function lint(report) {
  if (!report) return null;
  const findings = Array.isArray(report) ? report : (report.findings ?? []);
  return h("section.card", { "aria-labelledby": "lint" }, h("header", {}, h("h2", { id: "lint" }, "Lint"), report.score === undefined ? null : h("p", {}, `Score ${report.score}`)),
    findings.length ? h("ul.stack", { style: { gap: ".6rem" } }, findings.map((each) => h("li", {}, h("span.badge", { class: each.severity === "error" ? "bad" : "warn" }, each.severity ?? "note"), " ", each.message ?? each.why ?? "", each.path ? [" ", h("code", {}, each.path)] : null, each.fix ? h("p.hint", {}, each.fix) : null))) : h("p.hint", {}, "Nothing to complain about."));
}

function trial(tool) {
  const out = h("div", { role: "status" });
  const form = formFor(tool.parameters, "argument");
  const run = h("button.main", { type: "submit" }, tool.effect === "destroy" ? "Run it for real" : "Run");
  async function submit(event) {
    event.preventDefault();
    const problem = form.problem();
    if (problem) return void fill(out, h("p.note", {}, problem));
    run.disabled = true;
    fill(out, h("p.hint", {}, "Running …"));
    try {
      const result = await post(`v1/tools/${encodeURIComponent(tool.name)}/invoke`, `{"arguments": ${form.text()}}`);
      fill(out, h("div.stack", { style: { gap: ".5rem" } }, h("p.row", {}, h("span.badge", { class: result.failure ? "bad" : "good" }, result.failure ? `failed: ${result.failure}` : "done"), h("span.hint", {}, `${seconds(result.elapsed_s)} · ${plural(result.attempts, "attempt")}`)),
        result.repairs.map((each) => h("p.note", {}, `Repaired ${each}`)), h("pre", { tabindex: "0", class: result.failure ? "failed" : "", "aria-label": "Result" }, pretty(result.content))));
    } catch (error) {
      fill(out, broken(error));
    }
    run.disabled = false;
  }
  return h("section.card", { "aria-labelledby": "try" }, h("header", {}, h("h2", { id: "try" }, "Try it"), form.switcher),
    tool.effect === "read" ? null : h("p.note", { style: { "margin-bottom": ".8rem" } }, tool.effect === "destroy" ? "This tool destroys something. It is run for real." : "This tool changes something. It is run for real."),
    h("form.form", { on: { submit } }, form.element, h("div.row", {}, run), out));
}
