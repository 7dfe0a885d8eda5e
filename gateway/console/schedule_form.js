// The dialog that makes a schedule, changes one, or deletes it.
import { del, patch, post } from "./api.js";
import { fill, h, newId, say } from "./dom.js";
import { json } from "./format.js";

const UNITS = { s: 1, m: 60, h: 3600, d: 86400 };
const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** Where a schedule is in the API, or what is below it. */
export const schedulePath = (id, below = "") => `v1/schedules/${encodeURIComponent(id)}${below}`;

/** Ask for a schedule, a new one or `kept` changed; `done` is called once the gateway has it. */
export function askForSchedule(kept, done) {
  if (document.querySelector("dialog[open]")) return;
  const name = h("input", { type: "text", id: newId("name"), maxlength: "100", autocomplete: "off", value: kept?.name ?? "" });
  const asked = requestField(kept?.request);
  const when = whenField(kept?.when);
  const missed = choice([["one", "one for all of them"], ["all", "one for each"], ["none", "none"]], kept?.missed ?? "one");
  const overlap = choice([["skip", "this one is left out"], ["queue", "this one waits for its end"]], kept?.overlap ?? "skip");
  const problem = h("p.note", { role: "alert" });
  const place = h("div.row.end");
  const close = () => dialog.close();

  async function act(way, told) {
    for (const button of place.querySelectorAll("button")) button.disabled = true;
    try {
      await way();
      close();
      say(told);
      done();
    } catch (error) {
      fill(problem, `${error.message} ${error.remedy ?? ""}`);
      for (const button of place.querySelectorAll("button")) button.disabled = false;
    }
  }

  function save(event) {
    event.preventDefault();
    act(async () => {
      const body = { name: name.value.trim(), request: asked.value(), when: when.value(), missed: missed.value, overlap: overlap.value };
      await (kept ? patch(schedulePath(kept.id), body) : post("v1/schedules", body));
    }, kept ? "The schedule is changed." : "The schedule is made.");
  }

  function choose() {
    fill(place, kept ? h("button.danger", { type: "button", style: { "margin-right": "auto" }, on: { click: sure } }, "Delete …") : null,
      h("button", { type: "button", on: { click: close } }, "Cancel"), h("button.main", { type: "submit" }, kept ? "Save" : "Make it"));
  }

  function sure() {
    fill(place, h("span.hint", { style: { "margin-right": "auto" } }, "Its list of runs goes with it; their responses stay."),
      h("button", { type: "button", on: { click: () => { choose(); place.querySelector("button").focus(); } } }, "Keep it"),
      h("button.danger", { type: "button", on: { click: () => act(() => del(schedulePath(kept.id)), "The schedule is deleted.") } }, "Delete it"));
    place.querySelector("button").focus();
  }

  choose();
  const title = newId("schedule");
  const dialog = h("dialog", { "aria-labelledby": title, on: { close: () => dialog.remove() } },
    h("form.form", { method: "dialog", on: { submit: save } }, h("h2", { id: title }, kept ? "Change a schedule" : "A new schedule"),
      labelled("Name, for people", name), asked.element, when.element,
      labelled("For times that passed while no gateway ran", missed), labelled("When the run before still goes on", overlap), problem, place));
  document.body.append(dialog);
  dialog.showModal();
  name.focus();
}

const labelled = (text, control, hint) => h("div.field", {}, h("label", { for: control.id }, text), control, hint ?? null);

function choice(values, chosen) {
  const made = h("select", { id: newId("choice") }, values.map(([value, told]) => h("option", { value }, told)));
  made.value = chosen;
  return made;
}

/** What is asked: a message, or the whole body where it says more than that. */
function requestField(request) {
  const { model, input, ...more } = request ?? { model: "gateway", input: "" };
  const plain = typeof input === "string" && !Object.keys(more).length;
  const text = h(plain ? "textarea" : "textarea.code", { id: newId("request"), rows: plain ? "3" : "9", spellcheck: plain ? null : "false", value: plain ? input : json(request) });
  const value = () => {
    if (!plain) try { return JSON.parse(text.value); } catch (error) { throw new Error(`The request is no JSON: ${error.message}.`); }
    if (!text.value.trim()) throw new Error("Say what is to be asked.");
    return { ...(model === undefined ? {} : { model }), input: text.value.trim() };
  };
  return { element: labelled(plain ? "What is asked" : "The request, as JSON", text), value };
}

/** When: an interval, cron's five fields, or one time; the last two in a time zone. */
function whenField(when = { every_s: 3600 }) {
  const kind = choice([["every_s", "again and again, every"], ["cron", "at these times (cron)"], ["at", "once, at"]], ["cron", "at", "every_s"].find((each) => each in when));
  const inputs = {
    every_s: h("input", { type: "text", id: newId("every"), autocomplete: "off", value: interval(when.every_s ?? 3600) }),
    cron: h("input", { type: "text", id: newId("cron"), autocomplete: "off", spellcheck: "false", value: when.cron ?? "0 9 * * 1-5" }),
    at: h("input", { type: "text", id: newId("at"), autocomplete: "off", value: when.at ?? "", placeholder: "2027-01-31T09:00" }),
  };
  const fields = {
    every_s: labelled("Interval", inputs.every_s, h("p.hint", {}, "Such as 90s, 15m, 6h or 1d.")),
    cron: labelled("Minute, hour, day of the month, month, day of the week", inputs.cron),
    at: labelled("Date and time", inputs.at),
  };
  const zone = h("input", { type: "text", id: newId("zone"), autocomplete: "off", spellcheck: "false", value: when.time_zone ?? (when.cron || when.at ? "" : here()) });
  const zoned = labelled("Time zone", zone, h("p.hint", {}, "A name such as Europe/Paris; UTC when it is empty."));
  const place = h("div.form");
  const show = () => fill(place, fields[kind.value], kind.value === "every_s" ? null : zoned);
  kind.addEventListener("change", show);
  show();
  const value = () => {
    const said = inputs[kind.value].value.trim();
    if (kind.value === "every_s") return { every_s: secondsOf(said) };
    return { [kind.value]: said, ...(zone.value.trim() ? { time_zone: zone.value.trim() } : {}) };
  };
  return { element: h("fieldset", {}, h("legend", {}, "When"), labelled("It comes", kind), place), value };
}

function interval(every) {
  const unit = ["d", "h", "m"].find((each) => every % UNITS[each] === 0) ?? "s";
  return `${every / UNITS[unit]}${unit}`;
}

function secondsOf(said) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([smhd])$/.exec(said) ?? [];
  if (!unit) throw new Error("An interval is a number and s, m, h or d, such as 15m.");
  return Number(number) * UNITS[unit];
}
