// A form made from a JSON Schema, for what a form can hold; anything else is written as JSON.
import { fill, h, newId } from "./dom.js";
import { json } from "./format.js";

/** `{element, switcher, text(), problem()}`: `text` is the arguments as JSON, `problem` says what is wrong. */
export function formFor(schema, stem) {
  let read = fields(schema, stem);
  const element = h("div.form", {}, read.element);
  const raw = h("textarea.code", { id: newId("json"), rows: "9", spellcheck: "false" });
  let asJson = false;
  const mode = (name, on) => h("button", { type: "button", "aria-pressed": String(on === asJson), on: { click: () => choose(on) } }, name);
  const switcher = h("div.tabs", { role: "group", "aria-label": "Write the arguments as" });
  const tabs = () => fill(switcher, mode("Form", false), mode("JSON", true));

  function choose(on) {
    if (on === asJson) return;
    asJson = on;
    if (on) {
      raw.value = json(valueOf(read));
      fill(element, h("div.field", {}, h("label", { for: raw.id }, "Arguments, as JSON"), raw));
    } else {
      try { read = fields(schema, stem, JSON.parse(raw.value)); } catch { /* the form keeps what it had */ }
      fill(element, read.element);
    }
    tabs();
  }
  tabs();
  return {
    element, switcher,
    text: () => (asJson ? raw.value : read.text()),
    problem: () => {
      if (!asJson) return read.problem();
      try { JSON.parse(raw.value); } catch (error) { return `This is no JSON: ${error.message}`; }
      return null;
    },
  };
}

const valueOf = (read) => { try { return JSON.parse(read.text()); } catch { return {}; } };

/** The fields of an object; `given` fills them. */
function fields(schema, stem, given = {}) {
  const required = new Set(schema.required ?? []);
  const made = Object.entries(schema.properties ?? {}).map(([name, of]) => field(name, of, required.has(name), given[name] ?? of.default, stem));
  return {
    element: made.length ? made.map((each) => each.element) : h("p.hint", {}, "It takes no arguments."),
    text: () => `{${made.map((each) => [each.name, each.text()]).filter(([, text]) => text !== undefined).map(([name, text]) => `${JSON.stringify(name)}: ${text}`).join(", ")}}`,
    problem: () => made.map((each) => each.problem()).find(Boolean) ?? null,
  };
}

function field(name, schema, required, given, stem) {
  const id = newId(stem);
  const hint = schema.description ? newId("hint") : null;
  const type = [schema.type ?? []].flat().find((each) => each !== "null");
  const attributes = { id, "aria-describedby": hint, "aria-required": required ? "true" : null };
  const label = h("label", { for: id }, h("code", {}, name), required ? h("span.req", { "aria-hidden": "true" }, " *") : h("span.hint", {}, " optional"));
  const about = hint && h("p.hint", { id: hint }, schema.description);
  const whole = (control) => h("div.field", {}, label, control, about);
  const missing = (text) => (required && text === undefined ? `${name} is required.` : null);

  if (type === "object" && schema.properties) {
    const inner = fields(schema, stem, given);
    const used = () => required || inner.text() !== "{}";
    return { name, element: h("fieldset", {}, h("legend", {}, h("code", {}, name)), about, inner.element), text: () => (used() ? inner.text() : undefined), problem: () => (used() ? inner.problem() : null) };
  }
  if (schema.enum || schema.const !== undefined || type === "boolean") {
    const choices = type === "boolean" && !schema.enum ? [true, false] : (schema.enum ?? [schema.const]);
    const control = h("select", attributes, h("option", { value: "" }, required ? "Choose …" : "–"), choices.map((each) => h("option", { value: JSON.stringify(each) }, String(each))));
    if (given !== undefined) control.value = JSON.stringify(given);
    const text = () => control.value || undefined;
    return { name, element: whole(control), text, problem: () => missing(text()) };
  }
  if (type === "number" || type === "integer") {
    // A text field: a number field would round, and drop what it takes for no number.
    const control = h("input", { ...attributes, type: "text", inputmode: type === "integer" ? "numeric" : "decimal", autocomplete: "off", value: given === undefined ? "" : String(given) });
    const text = () => control.value.trim() || undefined;
    const fits = (told) => /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(told);
    return { name, element: whole(control), text, problem: () => missing(text()) ?? (text() && !fits(text()) ? `${name} has to be a number.` : null) };
  }
  if (type === "string") {
    const long = (schema.maxLength ?? 0) > 200 || /text|body|content|message|note/i.test(name);
    const control = h(long ? "textarea" : "input", { ...attributes, type: long ? null : "text", autocomplete: "off", placeholder: schema.examples?.[0] ?? null, value: given ?? "" });
    const text = () => (control.value === "" && !required ? undefined : JSON.stringify(control.value));
    return { name, element: whole(control), text, problem: () => null };
  }
  const control = h("textarea.code", { ...attributes, rows: "3", spellcheck: "false", placeholder: type === "array" ? "[…]" : "JSON", value: given === undefined ? "" : json(given) });
  const text = () => control.value.trim() || undefined;
  const parses = () => { try { JSON.parse(control.value); return null; } catch (error) { return `${name} is no JSON: ${error.message}`; } };
  return { name, element: whole(control), text, problem: () => missing(text()) ?? (text() ? parses() : null) };
}
