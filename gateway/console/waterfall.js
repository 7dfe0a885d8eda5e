// A run along time: small, in a list, and whole, with names and figures.
import { barClass, h } from "./dom.js";
import { dollars, seconds } from "./format.js";
import { kindOf, layout } from "./record.js";

const percent = (value, total) => `${(100 * Math.min(1, Math.max(0, value / total))).toFixed(3)}%`;

/** Two lanes: models above, calls below. Decoration; its words stand beside it. */
export function mini(record) {
  const { spans, total } = layout(record);
  return h("div.mini", { "aria-hidden": "true" }, spans.map((span) => h("i", {
    class: barClass(span.kind === "call" && span.call.result?.failure ? "bad" : kindOf(span)),
    style: { left: percent(span.start, total * 1.03), width: percent(span.end - span.start, total * 1.03), top: span.kind === "turn" ? "3px" : "18px" },
  })));
}

/** The whole waterfall; each line leads to the place where the step is told in full. */
export function waterfall(record, anchor) {
  const { spans, total } = layout(record);
  const marks = [0, 0.25, 0.5, 0.75, 1];
  return h("div.wf", {},
    h("div.axis", { "aria-hidden": "true" }, h("div"), h("div", {}, marks.map((mark) => h("span", { style: { left: `${mark * 100}%` } }, seconds(mark * total))))),
    h("ol", { "aria-label": "What happened, in order" }, spans.map((span) => line(span, total, anchor))));
}

function line(span, total, anchor) {
  const kind = kindOf(span);
  const failed = span.kind === "refused" || Boolean(span.call?.result?.failure);
  const left = span.end / total > 0.72;
  const took = span.open ? "…" : span.kind === "refused" ? "refused" : span.call?.client ? "handed to the app" : seconds(span.end - span.start);
  const cost = span.step?.cost_usd ? ` · ${dollars(span.step.cost_usd)}` : "";
  return h("li", { class: barClass(kind) },
    h("a", { href: anchor(span), class: span.kind === "turn" ? "" : "sub", on: { click: jump } },
      h("span.dot", { class: span.kind === "turn" ? "model" : kind === "destroy" ? "destroy-dot" : "", "aria-hidden": "true" }),
      h("b", {}, name(span)), h("span.sr", {}, spoken(span, took, failed) + cost)),
    h("div.lane", { "aria-hidden": "true" },
      h("div.bar", { class: `${failed ? "failed" : ""} ${span.open ? "open" : ""}`, style: { left: percent(span.start, total), width: percent(span.end - span.start, total) } }),
      span.first ? h("div.first", { style: { left: percent(span.start + span.first, total) } }) : null,
      h("span.took", { class: left ? "left" : "", style: { left: percent(left ? span.start : span.end, total) } }, took + cost)));
}

function name(span) {
  if (span.kind === "turn") return span.receipt ? `${span.step.model} decides` : span.step.model;
  return span.kind === "refused" ? span.refusal.name : span.call.name;
}

function spoken(span, took, failed) {
  if (span.kind === "turn") return `, turn ${span.step.step} of the ${span.step.role}, ${took}`;
  return span.kind === "refused" ? ", refused" : `, a call that ${span.call.effect}s, ${took}${failed ? ", failed" : ""}`;
}

/** The hash is the page's address, so a jump within the page is made by hand. */
function jump(event) {
  const target = document.getElementById(event.currentTarget.getAttribute("href").slice(1));
  event.preventDefault();
  target?.scrollIntoView({ block: "center" });
  target?.focus();
}
