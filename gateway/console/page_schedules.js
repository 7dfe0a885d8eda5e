// Requests that come again by themselves: when each comes next, what became of it last, and its switch;
// `schedule_form.js` makes and changes them.
import { get, post, query } from "./api.js";
import { fill, h } from "./dom.js";
import { inline, moment, seconds } from "./format.js";
import { askForSchedule, schedulePath } from "./schedule_form.js";
import { broken, empty, loading, status } from "./states.js";
import { repeatedly } from "./watch.js";

const UNFINISHED = ["queued", "in_progress"];

export function schedulesPage(root, { signal }) {
  const place = h("div", {}, loading());
  const problem = h("p.note", { role: "alert" });
  fill(root, h("header.page-head", {}, h("div", {}, h("h1", {}, "Schedules"), h("p", {}, "Requests that come again by themselves, each for the key that made or edited it.")), h("button.main", { type: "button", on: { click: () => askForSchedule(null, refresh) } }, "New schedule …")), problem, place);
  const lasts = new Map();
  let shown = null;

  /** The newest firing; asked for again when it came again, or while its response is being made. */
  async function last({ id, fires }) {
    const known = lasts.get(id);
    if (known?.number === fires && !UNFINISHED.includes(known.status)) return;
    const { data: [newest] } = await get(query(schedulePath(id, "/runs"), { limit: 1 }), signal);
    if (newest) lasts.set(id, newest);
  }

  async function refresh() {
    try {
      const { data } = await get("v1/schedules", signal);
      await Promise.all(data.filter((each) => each.fires).map(last));
      const now = JSON.stringify([data, data.map(({ id }) => lasts.get(id))]);
      if (now === shown) return;
      shown = now;
      const focused = document.activeElement?.dataset.schedule;
      fill(place, data.length ? table(data.map((each) => row(each, lasts.get(each.id), turn, () => askForSchedule(each, refresh)))) : empty("No schedules yet", "“New schedule” makes one, and so do `gateway schedules create` and POST /v1/schedules (docs/schedules.md)."));
      if (focused) place.querySelector(`[data-schedule="${CSS.escape(focused)}"]`)?.focus();
    } catch (error) {
      if (error.name !== "AbortError") { shown = null; fill(place, broken(error, refresh)); }
    }
  }

  /** Pause or resume it. */
  async function turn(id, how) {
    try {
      await post(schedulePath(id, `/${how}`), {}, signal);
      fill(problem);
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(problem, `${error.message} ${error.remedy ?? ""}`);
    }
    await refresh();
  }

  repeatedly(refresh, 5000, signal);
}

function table(rows) {
  const heads = ["Schedule", "When", "Next", "Last", "State", "Change"];
  return h("div.card.scroll", {}, h("table", {}, h("caption.sr", {}, "Schedules"),
    h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows)));
}

function row(schedule, last, turn, edit) {
  const { id, name, request, state, reason, next_at } = schedule;
  const asked = typeof request.input === "string" ? request.input : inline(request);
  const how = { active: "pause", paused: "resume", stopped: "resume" }[state];
  const word = how === "pause" ? "Pause" : "Resume";
  return h("tr", {},
    h("th", { scope: "row", style: { "white-space": "normal", padding: ".6rem .7rem .6rem 0", color: "inherit" } },
      name || asked.slice(0, 80), name ? h("p.hint", { style: { "font-weight": 400, "max-width": "40ch" } }, asked.slice(0, 200)) : null),
    h("td", {}, times(schedule.when)), h("td", {}, next_at ? moment(next_at) : "–"), h("td", {}, last ? firing(last) : "–"),
    h("td", { style: { "white-space": "normal" } }, status(state), reason ? h("p.hint", {}, reason) : null),
    h("td", {}, h("div.row", {},
      how ? h("button", { type: "button", "data-schedule": `${id} turn`, "aria-label": `${word} ${name || id}`, on: { click: () => turn(id, how) } }, word) : null,
      h("button", { type: "button", "data-schedule": `${id} edit`, "aria-label": `Edit ${name || id}`, on: { click: edit } }, "Edit …"))));
}

function times(when) {
  if (when.every_s) return `every ${seconds(when.every_s)}`;
  if (when.at) return ["once, at ", when.at, when.time_zone ? ` ${when.time_zone}` : ""];
  return [h("code", {}, when.cron), ` ${when.time_zone ?? "UTC"}`];
}

/** When it came, what became of it, and the way to its run. */
function firing({ fired_at, outcome, status: became, run_id, reason }) {
  const told = status(became ?? outcome);
  return [run_id ? h("a", { href: `#/runs/${encodeURIComponent(run_id)}` }, moment(fired_at)) : moment(fired_at), " ", told, reason ? h("p.hint", { style: { "white-space": "normal" } }, reason) : null];
}
