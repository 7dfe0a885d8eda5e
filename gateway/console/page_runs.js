// The newest runs, as they happen.
import { get, query } from "./api.js";
import { fill, h } from "./dom.js";
import { ago, dollars, plural, seconds } from "./format.js";
import { broken, empty, loading, status } from "./states.js";
import { repeatedly } from "./watch.js";
import { mini } from "./waterfall.js";

const PAGE = 30;
const EVERY_MS = 2000;
let wanted = { q: "", status: "", tool: "", kind: "" };

export function runsPage(root, { signal }) {
  const list = h("div", {}, loading());
  const runs = new Map();
  let last = null;
  let told = "";

  const asked = (more) => query("v1/runs", {
    limit: PAGE, include: "trace", q: wanted.q, status: wanted.status, tool: wanted.tool,
    escalated: wanted.kind === "escalated", failed_tool: wanted.kind === "failed", ...more,
  });

  /** The first page whole; afterwards what is new or was still going. */
  async function refresh() {
    const since = last === null ? undefined : [...runs.values()].reduce((least, run) => (run.finished_at === null ? Math.min(least, run.created_at) : least), newest());
    try {
      const page = await get(asked({ since }), signal);
      for (const run of page.data) runs.set(run.id, run);
      last ??= page;
      draw();
    } catch (problem) {
      if (problem.name !== "AbortError") { told = ""; fill(list, broken(problem, refresh)); }
    }
  }
  const newest = () => Math.max(0, ...[...runs.values()].map((run) => run.created_at));

  async function older(event) {
    event.target.disabled = true;
    const page = await get(asked({ after: last.last_id }), signal);
    for (const run of page.data) runs.set(run.id, run);
    last = page;
    draw();
  }

  function draw() {
    const shown = [...runs.values()].sort((one, other) => other.created_at - one.created_at);
    const now = JSON.stringify(shown.map((run) => [run.id, run.status, run.turns, run.calls, run.finished_at === null && run.trace, ago(run.created_at)]));
    if (now === told) return;
    told = now;
    const focused = document.activeElement?.getAttribute("href");
    fill(list, shown.length ? [h("ol.run-list", { "aria-label": "Runs, the newest first", on: { keydown: move } }, shown.map(row)),
      last.has_more ? h("p", { class: "row", style: { "margin-top": "1rem" } }, h("button", { on: { click: older } }, "Older runs")) : null] : nothing());
    if (focused?.startsWith("#/runs/")) list.querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
  }

  function again(changed) {
    wanted = { ...wanted, ...changed };
    runs.clear();
    last = null;
    told = "";
    refresh();
  }

  fill(root, head(), filters(again), list);
  repeatedly(refresh, EVERY_MS, signal);
}

const head = () => h("header.page-head", {}, h("div", {}, h("h1", {}, "Runs"), h("p", {}, "Each request, and what became of it: model turns above the line, calls below. New ones come by themselves.")),
  h("a.button", { href: "#/playground" }, "Ask something"));

function filters(again) {
  let typing;
  const later = (change) => { clearTimeout(typing); typing = setTimeout(() => again(change), 250); };
  const option = (value, name, of) => { const made = h("option", { value }, name); made.selected = wanted[of] === value; return made; };
  return h("form.filters", { role: "search", "aria-label": "Filter the runs", on: { submit: (event) => event.preventDefault() } },
    h("input", { type: "search", placeholder: "In the question or the answer", "aria-label": "Text in the question or the answer", value: wanted.q, on: { input: (event) => later({ q: event.target.value }) } }),
    h("select", { "aria-label": "Status", on: { change: (event) => again({ status: event.target.value }) } },
      [["", "Any status"], ["running", "Running"], ["completed", "Completed"], ["client_calls", "Handed to the app"], ["incomplete", "Incomplete"], ["failed", "Failed"], ["denied", "Denied"], ["cancelled", "Cancelled"]].map(([value, name]) => option(value, name, "status"))),
    h("select", { "aria-label": "With", on: { change: (event) => again({ kind: event.target.value }) } },
      [["", "With anything"], ["escalated", "With an escalation"], ["failed", "With a call that failed"]].map(([value, name]) => option(value, name, "kind"))),
    h("input", { type: "search", placeholder: "Tool", "aria-label": "Name of a tool", value: wanted.tool, style: { flex: "0 1 9rem" }, on: { input: (event) => later({ tool: event.target.value.trim() }) } }));
}

const nothing = () => Object.values(wanted).some(Boolean)
  ? empty("No run is like that", "Runs are kept for a limited time; try fewer filters.")
  : empty("No runs yet", "Send a request to /v1/chat/completions or /v1/responses, or ask something here. Each run shows up as it happens.", h("a.button", { href: "#/playground" }, "Open the playground"));

function row(run) {
  const tools = run.tools.slice(0, 4);
  return h("li", {}, h("a", { href: `#/runs/${encodeURIComponent(run.id)}` },
    h("div", {},
      h("p.asked", { class: run.question ? "" : "none" }, run.question || "no text"),
      h("p.meta", {}, status(run.status), tools.map((name) => h("code", {}, name)), run.tools.length > 4 ? `+${run.tools.length - 4}` : null,
        run.failed_calls ? h("span.badge.bare.bad", {}, plural(run.failed_calls, "failure")) : null,
        run.escalations ? h("span.badge.bare.expert", {}, plural(run.escalations, "escalation")) : null)),
    mini({ ...run, ...run.trace }),
    h("div.figures", {}, h("b", {}, run.elapsed_s === null ? "…" : seconds(run.elapsed_s)), h("span", {}, `${run.cost_usd ? `${dollars(run.cost_usd)} · ` : ""}${ago(run.created_at)}`))));
}

/** Up and down go through the list. */
function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const links = [...event.currentTarget.querySelectorAll("a")];
  links[links.indexOf(document.activeElement) + step]?.focus();
  event.preventDefault();
}
