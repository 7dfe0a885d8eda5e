// A run's events folded into its record, as the gateway does it (gateway/agent/trace.py), and the record
// laid out along time.

const turn = (data) => ({ ...data, text: "", usage: null, cost_usd: 0, elapsed_s: null, first_token_s: null, finish_reason: null, notes: [], calls: [], refused: [] });

/** An empty record, to be folded into. */
export const fresh = () => ({ status: "running", offered: [], steps: [], escalations: [], answer: null, incomplete_details: null, usage: null, cost_usd: 0 });

/** Take one event into a record. */
export function fold(record, { name, data }) {
  const last = record.steps.at(-1);
  if (name === "run.started") Object.assign(record, { id: data.id, offered: data.offered });
  else if (name === "turn.started") record.steps.push(turn(data));
  else if (name === "text.delta" && last) last.text += data.text;
  else if (name === "turn.finished" && last) Object.assign(last, data);
  else if (name === "call.accepted" && last) last.calls.push({ ...data, result: null });
  else if (name === "call.refused" && last) last.refused.push(data);
  else if (name === "observation") {
    const call = record.steps.flatMap((step) => step.calls).findLast((each) => each.id === data.id && !each.result);
    if (call) call.result = data;
  } else if (name === "escalated") record.escalations.push(data);
  else if (name === "run.finished") Object.assign(record, data, { finished: true });
  else if (name === "approval.requested") (record.approvals ??= []).push({ ...data, decision: null });
  else if (name === "approval.decided") {
    const asked = record.approvals?.find((each) => (each.call_id ?? each.id) === (data.call_id ?? data.id));
    if (asked) asked.decision = data.decision;
  }
  return record;
}

/** What a run came to, from its steps: holds while it goes, too. */
export function figures(record) {
  const calls = record.steps.flatMap((step) => step.calls);
  const refused = record.steps.reduce((sum, step) => sum + step.refused.length, 0);
  return {
    calls: calls.length, refused, failed: calls.filter((call) => call.result?.failure).length,
    cost: record.cost_usd || record.steps.reduce((sum, step) => sum + step.cost_usd, 0),
    tokens: record.usage?.total_tokens || record.steps.reduce((sum, step) => sum + (step.usage?.total_tokens ?? 0), 0),
  };
}

/**
 * Turns and calls along time: `{spans, total}`, seconds from the start. A trace holds how long each
 * took and in which order; reads of a turn go side by side, everything else one after another.
 */
export function layout(record, now = Date.now() / 1000) {
  const spans = [];
  const receipts = [...record.escalations];
  const going = record.status === "running" && !record.finished;
  const until = Math.max(0.05, going && record.created_at ? now - record.created_at : 0);
  let at = 0;
  record.steps.forEach((step, index) => {
    const end = step.elapsed_s === null ? Math.max(at + 0.02, going ? until : at) : at + step.elapsed_s;
    const receipt = step.role === "expert" ? receipts.splice(Math.max(0, receipts.findIndex((each) => each.step === step.step)), 1)[0] : undefined;
    spans.push({ kind: "turn", index, step, receipt, start: at, end, open: step.elapsed_s === null && going, first: step.first_token_s });
    at = end;
    at = placed(spans, step, index, at, going, until);
  });
  const total = Math.max(at, going ? until : 0, record.elapsed_s ?? 0, 0.001);
  return { spans, total };
}

function placed(spans, step, index, from, going, until) {
  let at = from;
  let reads = from;
  step.calls.forEach((call, place) => {
    const side = call.effect === "read" && !call.client;
    const begin = side ? from : Math.max(at, reads);
    const took = call.result?.elapsed_s ?? (going && !call.client ? Math.max(0, until - begin) : 0);
    spans.push({ kind: "call", index, place, call, start: begin, end: begin + took, open: going && !call.client && !call.result });
    if (side) reads = Math.max(reads, begin + took);
    else at = begin + took;
  });
  step.refused.forEach((refusal, place) => spans.push({ kind: "refused", index, place, refusal, start: Math.max(at, reads), end: Math.max(at, reads) }));
  return Math.max(at, reads);
}

/** The class of a span's colour. */
export function kindOf(span) {
  if (span.kind === "turn") return span.step.role === "expert" ? "expert" : "small";
  if (span.kind === "refused") return "bad";
  return span.call.client ? "client" : span.call.effect;
}

/** The last thing that the user said. */
export function question(record) {
  const asked = record.request?.messages?.findLast((message) => message.role === "user")?.content;
  return typeof asked === "string" ? asked : (asked ?? []).map((part) => part.text ?? "[image]").join(" ");
}
