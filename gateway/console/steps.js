// A run's steps in full: what each model said, what it called and why that was allowed or not.
import { barClass, h } from "./dom.js";
import { dollars, json, plural, pretty, seconds } from "./format.js";
import { effect, role } from "./states.js";

/** The id of the place where a span is told. */
export const anchorOf = (span) => (span.kind === "turn" ? `turn-${span.index}` : `${span.kind}-${span.index}-${span.place}`);

export function steps(record) {
  const receipts = [...record.escalations];
  const told = record.steps.map((step, index) => {
    const of = step.role === "expert" ? receipts.findIndex((each) => each.step === step.step) : -1;
    return turn(step, index, of < 0 ? null : receipts.splice(of, 1)[0]);
  });
  return h("ol.steps", {}, told, receipts.map((receipt) => h("li.card.receipt", {}, escalation(receipt))));
}

function turn(step, index, receipt) {
  const used = step.usage ? plural(step.usage.total_tokens, "token") : null;
  const told = [used, step.cost_usd ? dollars(step.cost_usd) : null, step.first_token_s === null ? null : `first token ${seconds(step.first_token_s)}`, step.elapsed_s === null ? "answering …" : seconds(step.elapsed_s)];
  return h("li.card.step", { id: `turn-${index}`, tabindex: "-1" },
    h("header", {}, h("h3", {}, `Turn ${step.step}`), role(step.role), h("code", {}, step.model), h("span.figures", {}, told.filter(Boolean).join(" · "))),
    receipt ? escalation(receipt) : h("p.why", {}, step.reason),
    step.text ? h("p.told", {}, step.text) : null,
    step.notes.map((note) => h("p.note", {}, note)),
    step.calls.map((call, place) => made(call, `call-${index}-${place}`)),
    step.refused.map((refusal, place) => refused(refusal, `refused-${index}-${place}`)));
}

function escalation(receipt) {
  return h("p.why", {}, h("span.badge.bare.expert", {}, `escalated: ${receipt.reason}`), " ", receipt.detail, " ",
    receipt.failed ? h("span.note", {}, `could not be decided: ${receipt.failed}`) : receipt.model ? `Decided by ${receipt.model} for ${dollars(receipt.cost_usd)}.` : "");
}

function made(call, id) {
  const result = call.result;
  return h("article.call", { id, tabindex: "-1", class: barClass(call.client ? "client" : call.effect), "aria-label": `Call of ${call.name}` },
    h("header", {}, h("code", {}, call.name), call.client ? h("span.badge.client", {}, "the app's own") : effect(call.effect),
      result?.dry_run ? h("span.badge", {}, "dry run: not made") : null,
      result?.failure ? h("span.badge.bad", {}, `failed: ${result.failure}`) : null,
      h("span.figures", {}, result ? [seconds(result.elapsed_s), result.attempts > 1 ? `${result.attempts} attempts` : null].filter(Boolean).join(" · ") : call.client ? "handed to the app" : "running …")),
    h("div", {}, h("h3", {}, "Arguments"), h("pre", {}, json(call.arguments))),
    call.approval ? h("p.note", {}, `Would need an approval: ${call.approval}`) : null,
    call.repairs.map((repair) => h("p.note", {}, `Repaired ${repair}`)),
    result ? h("div", {}, h("h3", {}, "Result, as the model reads it"), h("pre", { class: result.failure ? "failed" : "" }, pretty(result.content)),
      result.truncated_from ? h("p.note", {}, `Cut from ${plural(result.truncated_from, "character")}.`) : null) : null);
}

function refused(refusal, id) {
  return h("article.call.is-bad", { id, tabindex: "-1", "aria-label": `Refused call of ${refusal.name}` },
    h("header", {}, h("code", {}, refusal.name), h("span.badge.bad", {}, `refused${refusal.problem ? `: ${refusal.problem.replaceAll("_", " ")}` : ""}`), refusal.path ? h("code", {}, refusal.path) : null),
    h("p", {}, refusal.reason),
    refusal.arguments ? h("div", {}, h("h3", {}, "Arguments, as the model wrote them"), h("pre", {}, pretty(refusal.arguments))) : null);
}
