// A call that waits for a person, and the three ways to decide it.
import { barClass, fill, h, newId, say } from "./dom.js";
import { json } from "./format.js";
import { effect } from "./states.js";
import { decide } from "./waiting.js";

/** `decided` is called once the gateway has taken the decision. */
export function decisionCard(run, call, decided) {
  const card = h("article.card.approval", { class: barClass(call.effect ?? "write"), "aria-label": `Decide the call of ${call.name}` });
  const place = h("div");
  const problem = h("p.note", { role: "alert" });

  async function send(decision) {
    for (const button of card.querySelectorAll("button")) button.disabled = true;
    try {
      await decide(run.id, call.id, decision);
      say({ approve: "Approved: the call runs.", edit: "Approved with your changes.", reject: "Rejected: the model is told." }[decision.decision]);
      document.dispatchEvent(new Event("waiting-changed"));
      decided();
    } catch (error) {
      for (const button of card.querySelectorAll("button")) button.disabled = false;
      fill(problem, `${error.message} ${error.remedy ?? ""}`);
    }
  }

  function choose() {
    fill(place, h("div.row", {},
      h("button.main", { on: { click: () => send({ decision: "approve" }) } }, "Approve"),
      h("button", { on: { click: edit } }, "Edit …"),
      h("button.danger", { on: { click: reject } }, "Reject …")));
  }

  function edit() {
    const text = h("textarea.code", { id: newId("edit"), rows: "8", spellcheck: "false", value: json(call.arguments) });
    const change = () => {
      try {
        send({ decision: "edit", arguments: JSON.parse(text.value) });
      } catch (error) {
        fill(problem, `This is no JSON: ${error.message}`);
      }
    };
    ask(text, "The arguments to run it with", "Approve with these", "main", change);
  }

  function reject() {
    const text = h("textarea", { id: newId("reason"), rows: "3", placeholder: "Such as: the wrong account" });
    const refuse = () => send({ decision: "reject", ...(text.value.trim() ? { reason: text.value.trim() } : {}) });
    ask(text, "Why? The model reads it, and may try another way.", "Reject", "danger", refuse);
  }

  function ask(text, label, name, kind, act) {
    const back = () => { fill(problem); choose(); place.querySelector("button").focus(); };
    fill(place, h("div.form", {}, h("div.field", {}, h("label", { for: text.id }, label), text),
      h("div.row", {}, h(`button.${kind}`, { on: { click: act } }, name), h("button", { on: { click: back } }, "Back"))));
    text.focus();
  }

  choose();
  return fill(card,
    h("header", {}, h("h2", {}, h("code", {}, call.name), " ", call.effect ? effect(call.effect) : null), h("a", { href: `#/runs/${encodeURIComponent(run.id)}` }, "The whole run")),
    h("div.stack", { style: { gap: ".7rem" } },
      h("p", {}, call.reason ?? "A rule asks for a person."),
      run.question ? h("p.hint", {}, `Asked: ${run.question}`) : null,
      h("pre", { tabindex: "0", "aria-label": "Arguments" }, json(call.arguments)), place, problem));
}
