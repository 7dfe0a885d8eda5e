// What waits for a person.
import { fill, h } from "./dom.js";
import { plural } from "./format.js";
import { decisionCard } from "./decision.js";
import { broken, empty, loading } from "./states.js";
import { waitingCalls } from "./waiting.js";
import { repeatedly } from "./watch.js";

export function approvalsPage(root, { signal }) {
  const list = h("div.stack", {}, loading());
  fill(root, h("header.page-head", {}, h("div", {}, h("h1", {}, "Approvals"), h("p", {}, "Calls that a rule lets a person decide. Nothing happens until you do; the run waits."))), list);
  let shown = null;

  async function refresh() {
    try {
      const waiting = await waitingCalls(signal);
      const now = JSON.stringify(waiting.map(({ run, call }) => [run.id, call.id]));
      // A card that is being filled in is not redrawn under its reader's hands.
      if (now === shown) return;
      shown = now;
      fill(list, waiting.length
        ? [h("p.hint", { role: "status" }, `${plural(waiting.length, "call")} ${waiting.length === 1 ? "waits" : "wait"}.`), waiting.map(({ run, call }) => decisionCard(run, call, refresh))]
        : empty("Nothing waits", "When a policy asks for a person before a call is run, it shows up here, and as a number in the navigation."));
    } catch (problem) {
      if (problem.name !== "AbortError") { shown = null; fill(list, broken(problem, refresh)); }
    }
  }
  repeatedly(refresh, 3000, signal);
}
