// Ask something, with the tools of your choice, and watch each step as it happens.
import { ask, eventsOf, get, runEvents } from "./api.js";
import { fill, h, say } from "./dom.js";
import { broken, effect, empty, loading } from "./states.js";
import { transcript } from "./talk.js";

// Kept while the page is open: leaving for another page and coming back loses nothing.
const kept = { messages: [], turns: [], draft: "", model: "gateway", escalation: "auto", steps: "", off: new Set() };

export async function playgroundPage(root, { signal, again }) {
  fill(root, loading());
  try {
    const [models, tools] = await Promise.all([get("v1/models", signal), get("v1/tools", signal)]);
    build(root, models.data.map((model) => model.id), tools.data, signal);
  } catch (problem) {
    if (problem.name !== "AbortError") fill(root, broken(problem, again));
  }
}

function build(root, models, tools, signal) {
  const talk = h("div.talk", { "aria-label": "Conversation" });
  const text = h("textarea", { id: "message", placeholder: "What is 48 * 37?", value: kept.draft, on: { input: () => { kept.draft = text.value; }, keydown: keys } });
  const sending = h("button.main", { type: "submit" }, "Send");
  const stopping = h("button.danger", { type: "button", on: { click: () => going?.abort() } }, "Stop");
  let going = null;

  const draw = () => fill(talk, kept.turns.length ? kept.turns.map((turn) => turn.element) : empty("Ask something", "Choose what may be called, send, and watch: each call with its arguments and result, each repair, refusal and escalation."));
  const busy = () => { sending.hidden = Boolean(going); stopping.hidden = !going; };
  function keys(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
  }

  async function send(event) {
    event?.preventDefault();
    const said = text.value.trim();
    if (!said || going) return;
    going = new AbortController();
    signal.addEventListener("abort", () => going?.abort(), { once: true });
    text.value = kept.draft = "";
    const turn = transcript(said);
    kept.turns.push(turn);
    draw();
    busy();
    turn.element.scrollIntoView({ block: "nearest" });
    const messages = [...kept.messages, { role: "user", content: said }];
    try {
      const answer = await watched({ model: kept.model, messages, gateway: options(tools) }, turn, going.signal);
      kept.messages = [...messages, { role: "assistant", content: answer }];
    } catch (problem) {
      if (problem.name === "AbortError") turn.stopped();
      else turn.failed(broken(problem));
    }
    going = null;
    busy();
    if (!signal.aborted) text.focus();
  }

  const form = h("form.composer", { on: { submit: send } }, h("div.form", {}, h("label", { for: "message" }, "Message"), text,
    h("div.row", {}, sending, stopping, h("span.hint", {}, "Ctrl + Enter sends"), h("button.plain", { type: "button", style: { "margin-left": "auto" }, on: { click: () => { kept.messages = []; kept.turns = []; draw(); say("A new conversation."); } } }, "New conversation"))));
  draw();
  busy();
  fill(root, h("header.page-head", {}, h("div", {}, h("h1", {}, "Playground"), h("p", {}, "The same way that an app's request goes: every call is validated, allowed and traced."))),
    h("div.play", {}, h("section", { "aria-label": "Conversation" }, talk, form), h("aside.stack", { "aria-label": "Settings" }, settings(models, tools))));
}

/** Ask, and give each event to `turn`; the run's own record has the last word. */
async function watched(body, turn, signal) {
  const { runId, response } = await ask(body, signal);
  // Read to its end: closing the stream would stop the run.
  const reading = streamed(response);
  try {
    if (runId) for await (const event of runEvents(runId, signal)) turn.take(event);
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
  }
  const said = await reading;
  return turn.end(runId ? await get(`v1/runs/${encodeURIComponent(runId)}`, signal).catch(() => null) : null, said);
}

async function streamed(response) {
  let said = "";
  for await (const { data } of eventsOf(response)) said += data.choices?.[0]?.delta?.content ?? "";
  return said;
}

function options(tools) {
  const chosen = tools.filter((tool) => !kept.off.has(tool.name)).map((tool) => tool.name);
  return {
    ...(chosen.length === tools.length && kept.model === "gateway" ? {} : { tools: chosen }),
    ...(kept.escalation === "auto" ? {} : { escalation: kept.escalation }),
    ...(Number(kept.steps) > 0 ? { max_steps: Number(kept.steps) } : {}),
  };
}

function settings(models, tools) {
  const select = (id, name, values, of) => h("div.field", {}, h("label", { for: id }, name), h("select", { id, on: { change: (event) => { kept[of] = event.target.value; } } }, values.map(([value, told]) => { const made = h("option", { value }, told); made.selected = kept[of] === value; return made; })));
  const picker = h("div.picker");
  const pick = () => fill(picker, tools.map((tool) => h("label", {}, h("input", { type: "checkbox", checked: !kept.off.has(tool.name), on: { change: (event) => kept.off[event.target.checked ? "delete" : "add"](tool.name) } }), h("code", {}, tool.name), effect(tool.effect))));
  const all = (off) => () => { kept.off = new Set(off ? tools.map((tool) => tool.name) : []); pick(); };
  pick();
  return [h("section.card.form", { "aria-label": "Request" }, select("model", "Model", models.map((id) => [id, id === "gateway" ? "gateway (routed)" : id]), "model"),
    select("escalation", "Escalation", [["auto", "when evidence says so"], ["never", "never"], ["always", "always"]], "escalation"),
    h("div.field", {}, h("label", { for: "max-steps" }, "At most steps"), h("input", { id: "max-steps", type: "number", min: "1", max: "50", placeholder: "the operator's", value: kept.steps, on: { input: (event) => { kept.steps = event.target.value; } } }))),
  h("section.card", { "aria-labelledby": "may" }, h("header", {}, h("h2", { id: "may" }, "May be called"), h("div.row", {}, h("button.plain", { type: "button", on: { click: all(false) } }, "All"), h("button.plain", { type: "button", on: { click: all(true) } }, "None"))),
    tools.length ? picker : h("p.hint", {}, "No tools are registered."))];
}
