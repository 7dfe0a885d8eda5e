// One run in full, while it goes and afterwards.
import { get, post, runEvents } from "./api.js";
import { fill, h, say } from "./dom.js";
import { count, dollars, json, moment, plural, seconds } from "./format.js";
import { figures, fold, fresh, question } from "./record.js";
import { broken, loading, status } from "./states.js";
import { anchorOf, steps } from "./steps.js";
import { decisionCard } from "./decision.js";
import { waitingIn } from "./waiting.js";
import { waterfall } from "./waterfall.js";

export function runPage(root, { id, signal, again }) {
  fill(root, loading());
  show(root, id, signal, again).catch((problem) => {
    if (problem.name !== "AbortError") fill(root, crumb(), broken(problem, again));
  });
}

async function show(root, id, signal, again) {
  const path = `v1/runs/${encodeURIComponent(id)}`;
  let run = await get(path, signal);
  const parts = { head: h("div"), tiles: h("div"), waits: h("div.stack"), flow: h("div"), answer: h("div"), steps: h("div"), asked: h("div") };
  fill(root, crumb(), parts.head, parts.tiles, parts.waits, parts.flow, parts.answer, h("section", { "aria-label": "Steps" }, h("h2", { style: { margin: ".6rem 0 .7rem" } }, "Step by step"), parts.steps), parts.asked);
  draw(parts, run, path, again);
  fill(parts.asked, request(run));
  if (run.status !== "running") return;
  // While it goes: its events, folded as the gateway folds them; at the end the record itself.
  const live = { ...run, ...fresh(), created_at: run.created_at, request: run.request };
  let drawn = 0;
  for await (const event of runEvents(id, signal)) {
    fold(live, event);
    if (event.name !== "text.delta" || performance.now() - drawn > 100) {
      drawn = performance.now();
      draw(parts, live, path, again);
    }
  }
  run = await get(path, signal);
  draw(parts, run, path, again);
  if (run.status === "running") setTimeout(() => { if (!signal.aborted) again(); }, 2000);
}

const crumb = () => h("p.crumb", {}, h("a", { href: "#/runs" }, "← Runs"));

function draw(parts, run, path, again) {
  fill(parts.head, head(run, path));
  fill(parts.tiles, tiles(run));
  fill(parts.waits, waitingIn(run).map((call) => decisionCard(run, call, again)));
  fill(parts.flow, h("section.card", { "aria-labelledby": "flow" }, h("header", {}, h("h2", { id: "flow" }, "Waterfall"), legend()),
    run.steps.length ? waterfall(run, (span) => `#${anchorOf(span)}`) : h("p.hint", {}, "No model has been asked yet.")));
  fill(parts.answer, answer(run));
  fill(parts.steps, run.steps.length ? steps(run) : h("p.hint", {}, "Nothing happened."));
}

function head(run, path) {
  const cancel = async (event) => {
    event.target.disabled = true;
    try {
      const told = await post(`${path}/cancel`, {});
      say(told.cancelling ? "The run is being stopped." : "The run does not go on in this process any more.");
    } catch (problem) { say(problem.message); }
  };
  const copy = async () => { await navigator.clipboard.writeText(run.id); say("The id is copied."); };
  return h("header.page-head", {}, h("div", {}, h("h1", {}, question(run).slice(0, 160) || "A run without text"),
    h("p.row", {}, status(run.status), dry(run.request.dry_run), h("code", {}, run.id), h("span", {}, moment(run.created_at)))),
    h("div.row", {}, h("button", { on: { click: copy } }, "Copy id"), run.status === "running" && !run.finished ? h("button.danger", { on: { click: cancel } }, "Stop the run") : null));
}

const dry = (calls) => (!calls || calls === "none" ? null : h("span.badge", { title: calls === "all" ? "No call is made: each is told." : "Calls that change something are told, and not made." }, "dry run"));

function tiles(run) {
  const told = figures(run);
  const took = run.finished_at ? run.finished_at - run.created_at : null;
  const tile = (name, value, more) => h("div", {}, h("dt", {}, name), h("dd", {}, value, more ? h("small", {}, ` ${more}`) : null));
  return h("dl.tiles", {}, tile("Duration", took === null ? "…" : seconds(took)), tile("Cost", dollars(told.cost)), tile("Model turns", count(run.steps.length)),
    tile("Calls", count(told.calls), told.failed ? `${told.failed} failed` : ""), tile("Refused", count(told.refused)), tile("Escalations", count(run.escalations.length)), tile("Tokens", count(told.tokens)));
}

const legend = () => h("p.legend", { style: { margin: 0 } }, [["small", "intermediary"], ["expert", "expert"], ["read", "reads"], ["write", "writes"], ["destroy", "destroys"]].map(([kind, name]) => h("span", { style: { "--swatch": `var(--${kind})` } }, name)));

function answer(run) {
  const missing = run.incomplete_details;
  if (!run.answer && !missing && !run.error) return null;
  return h("section.card", { "aria-labelledby": "answer" }, h("header", {}, h("h2", { id: "answer" }, "Answer")),
    run.answer ? h("p.told", {}, run.answer) : h("p.hint", {}, "There is none."),
    missing ? h("p.note", { style: { "margin-top": ".6rem" } }, `Incomplete (${missing.reason.replaceAll("_", " ")}): ${missing.detail}`) : null,
    run.error ? h("p.note", { style: { "margin-top": ".6rem" } }, run.error) : null);
}

function request(run) {
  const asked = run.request;
  const limits = asked.limits;
  return [h("section.card", { "aria-labelledby": "request" }, h("header", {}, h("h2", { id: "request" }, "Request"), h("p", {}, plural(asked.messages.length, "message"))),
    h("dl.facts", {}, h("dt", {}, "Model"), h("dd", {}, asked.model), h("dt", {}, "Tools"), h("dd", {}, asked.tools === null ? "the default" : asked.tools.join(", ") || "none", asked.client_tools.length ? `; the app's: ${asked.client_tools.join(", ")}` : ""),
      h("dt", {}, "Escalation"), h("dd", {}, asked.escalation), h("dt", {}, "Limits"), h("dd", {}, `${plural(limits.max_steps, "step")}, ${seconds(limits.deadline_s)}${limits.max_cost_usd === null ? "" : `, ${dollars(limits.max_cost_usd)}`}`),
      h("dt", {}, "Offered"), h("dd", {}, run.offered.join(", ") || "no tools")),
    h("details", { style: { "margin-top": ".8rem" } }, h("summary", {}, "Messages"), h("pre", { tabindex: "0" }, json(asked.messages)))),
  h("details", {}, h("summary", {}, "The whole record as JSON"), h("pre", { tabindex: "0" }, json(run)))];
}
