// The calls that wait for a person's decision, and deciding.
import { get, post, query } from "./api.js";

/** Every call that waits, of runs that were interrupted for it: `{run, call}`, the oldest first. A call's `id` names it in its run. */
export async function waitingCalls(signal) {
  const { data } = await get(query("v1/runs", { limit: 100, include: "trace", status: "incomplete" }), signal);
  return data.flatMap((run) => waitingIn(run.trace).map((call) => ({ run, call }))).reverse();
}

/** Those of one run's trace, but for those that it is too late for. */
export const waitingIn = (run) => (run.approvals ?? []).filter((each) => !each.decision && !(each.expires_at < Date.now() / 1000)).map((each) => ({ ...each, id: each.call_id ?? each.id }));

/** Decide: `approve`, `edit` with other arguments, or `reject` with a reason. */
export const decide = (runId, callId, decision) => post(`v1/runs/${encodeURIComponent(runId)}/approvals/${encodeURIComponent(callId)}`, decision);
