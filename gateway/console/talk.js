// One exchange of the playground: the question, what happened, the answer.
import { barClass, fill, h } from "./dom.js";
import { dollars, inline, plural, seconds } from "./format.js";
import { figures, fold, fresh } from "./record.js";
import { effect } from "./states.js";

const LONGEST = 600;

/** `{element, take(event), end(record, text), stopped(), failed(element)}`. */
export function transcript(question) {
  const record = fresh();
  const trail = h("ol.trail", { "aria-label": "Steps" });
  const answer = h("p.answer.open");
  const foot = h("p.foot", { role: "status" }, "Asking …");
  const element = h("article.talk", {}, h("p.user", {}, question), trail, answer, foot);

  function draw(over = false) {
    fill(trail, record.steps.flatMap((step) => [...step.calls.map(made), ...step.refused.map(refused)]), record.escalations.map(lent));
    trail.hidden = !trail.children.length;
    const spoken = record.steps.map((step) => step.text).filter(Boolean).join("\n\n");
    fill(answer, record.answer ?? spoken);
    answer.classList.toggle("open", !over);
  }

  return {
    element,
    take(event) {
      fold(record, event);
      draw();
      const last = record.steps.at(-1);
      if (event.name === "turn.started") fill(foot, `Turn ${last.step}: ${last.model} …`);
    },
    end(final, said) {
      if (final) Object.assign(record, final, { answer: final.answer ?? said });
      else record.answer = said;
      draw(true);
      const told = figures(record);
      const missing = record.incomplete_details;
      fill(foot, missing ? h("span.note", {}, `Incomplete (${missing.reason.replaceAll("_", " ")}): ${missing.detail}`) : null,
        h("span", {}, plural(record.steps.length, "turn")), h("span", {}, plural(told.calls, "call")), h("span", {}, plural(told.tokens, "token")), h("span", {}, dollars(told.cost)),
        record.id ? h("a", { href: `#/runs/${encodeURIComponent(record.id)}` }, "The whole run") : null);
      return record.answer ?? "";
    },
    stopped() { draw(true); fill(foot, "Stopped."); },
    failed(problem) { draw(true); fill(foot); element.append(problem); },
  };
}

function made(call) {
  const result = call.result;
  const told = result?.content ?? "";
  return h("li", { class: barClass(call.effect) }, h("span", {}, call.client ? h("span.badge.client", {}, "the app's") : effect(call.effect)),
    h("span", {}, h("code", {}, h("b", {}, call.name), `(${inline(call.arguments)})`)),
    h("span.hint", {}, result ? seconds(result.elapsed_s) : call.client ? "" : "…"),
    call.repairs.map((repair) => h("span.out", {}, `repaired ${repair}`)),
    result ? h("span.out", { tabindex: "0" }, result.failure ? h("b.note", {}, `${result.failure}: `) : null, told.length > LONGEST ? `${told.slice(0, LONGEST)}…` : told) : null);
}

const refused = (refusal) => h("li", {}, h("span.badge.bad", {}, "refused"), h("span", {}, h("code", {}, refusal.name)), h("span"), h("span.out", {}, refusal.reason));
const lent = (receipt) => h("li", {}, h("span.badge.round.expert", {}, "escalated"), h("span", {}, `${receipt.reason}: ${receipt.detail}`), h("span.hint", {}, dollars(receipt.cost_usd)), receipt.failed ? h("span.out", {}, receipt.failed) : null);
