// The calls that wait for a person's decision, and deciding.
import { get, post, query } from "./api.js";

/** Every call that waits, the oldest first: `{run, call}`. A call's `id` names it in its run. */
export async function waitingCalls(signal) {
  const { data } = await get(query("v1/approvals", { limit: 100 }), signal);
  return data.map((call) => ({ run: { id: call.run_id, question: call.question }, call: { ...call, id: call.call_id } }));
}

/** Those of one run's trace, but for those that it is too late for. */
export const waitingIn = (run) => (run.approvals ?? []).filter((each) => !each.decision && !(each.expires_at < Date.now() / 1000)).map((each) => ({ ...each, id: each.call_id ?? each.id }));

/** Decide: `approve`, `edit` with other arguments, or `reject` with a reason. */
export const decide = (runId, callId, decision) => post(`v1/runs/${encodeURIComponent(runId)}/approvals/${encodeURIComponent(callId)}`, decision);
