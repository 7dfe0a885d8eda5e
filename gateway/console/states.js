// What a page shows when it has nothing to show: nothing yet, not yet, or not at all.
import { h, s } from "./dom.js";

export const loading = () => h("p.loading", { role: "status" }, "Loading …");

/** Nothing there: what would be here, and how it comes. */
export function empty(title, text, ...actions) {
  const picture = s("svg", { viewBox: "0 0 84 64", "aria-hidden": "true" },
    s("path", { d: "M6 14h72M6 32h72M6 50h72", "stroke-dasharray": "2 5" }),
    s("path.lit", { d: "M10 14h22" }), s("path.lit", { d: "M34 32h12" }), s("path.lit", { d: "M48 50h26" }));
  return h("div.state", {}, picture, h("h2", {}, title), h("p", {}, text), actions.length ? h("div.row", {}, actions) : null);
}

/** Something went wrong: what, and what to do about it. */
export function broken(problem, again) {
  const retry = again && h("button", { on: { click: again } }, "Try again");
  return h("section.card.problem", { role: "alert" },
    h("h2", {}, problem.message || "Something went wrong."),
    h("p", {}, problem.remedy ?? "Reload the page. If it stays, the browser's console says more."),
    h("div.row", {}, retry, problem.status === 401 ? h("button.main", { on: { click: () => document.dispatchEvent(new Event("key-wanted")) } }, "Enter a key") : null));
}

/** A badge for a run's status, or a schedule's. Colour is never alone: the word stands beside it. */
export function status(name) {
  const [kind, word] = {
    running: ["going", "running"], completed: ["good", "completed"], failed: ["bad", "failed"], denied: ["bad", "denied"],
    cancelled: ["", "cancelled"], incomplete: ["warn", "incomplete"], client_calls: ["", "handed to the app"],
    awaiting_approval: ["warn", "waits for a person"], waiting: ["warn", "waits for a person"], queued: ["", "queued"],
    active: ["good", "active"], stopped: ["bad", "stopped"], skipped: ["warn", "skipped"], in_progress: ["going", "running"],
  }[name] ?? ["", name];
  return h(`span.badge.round${kind ? `.${kind}` : ""}`, {}, word);
}

const EFFECTS = { read: "reads", write: "writes", destroy: "destroys" };
export const effect = (name) => h(`span.badge.${EFFECTS[name] ? name : "client"}`, {}, EFFECTS[name] ?? name ?? "unknown");
export const role = (name) => h(`span.badge.round.${name === "expert" ? "expert" : "small"}`, {}, name);
