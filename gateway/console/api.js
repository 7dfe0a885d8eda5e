// The gateway's REST surface: requests with the key, problems with a remedy, server-sent events by fetch.
// (EventSource can't send a header, so it can't bring a key.)

const KEY = "gateway.key";
const url = (path) => new URL(path.replace(/^\//, ""), document.baseURI);

export const key = () => sessionStorage.getItem(KEY) ?? "";
export function keep(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

/** What went wrong: `message` for people, `status` 0 when nothing answered, `remedy` says what to do. */
export class Problem extends Error {
  constructor(status, message, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
  get remedy() {
    if (this.status === 0) return "Is it running? Start it with `scripts/run`; `gateway doctor` says what is missing. This page tries again by itself.";
    if (this.status === 401) return "Enter an API key of this gateway. It is kept in this tab only.";
    if (this.status === 403) return "Policy or this key does not allow it. Ask who runs the gateway, or use another key.";
    if (this.code === "run_not_found") return "Runs are kept for a limited time (storage.max_age_s, storage.max_runs).";
    if (this.status === 404) return "It may have been removed, or this gateway is of an older version.";
    if (this.status === 429) return "A limit is reached. Wait a moment, then try again.";
    if (this.status >= 500) return "The gateway's log says more. If a database or a model is away, it comes back by itself.";
    return "Change what was sent, then try again.";
  }
}

const listeners = new Set();
/** Called when a key is asked for. */
export const onUnauthorized = (listener) => listeners.add(listener);

async function send(path, { method = "GET", body, signal } = {}) {
  const headers = {};
  if (key()) headers.authorization = `Bearer ${key()}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(url(path), { method, headers, signal, cache: "no-store", credentials: "same-origin", body: typeof body === "string" ? body : body && JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The gateway does not answer.");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => null);
  const problem = new Problem(response.status, told?.error?.message ?? `HTTP ${response.status}`, told?.error?.code);
  if (response.status === 401) listeners.forEach((listener) => listener());
  throw problem;
}

export const get = async (path, signal) => (await send(path, { signal })).json();
export const post = async (path, body, signal) => (await send(path, { method: "POST", body, signal })).json();
export const patch = async (path, body) => (await send(path, { method: "PATCH", body })).json();
export const del = async (path) => (await send(path, { method: "DELETE" })).json();

/** A path's query from an object; empty values are left out, lists are repeated. */
export function query(path, values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of [value].flat()) if (each !== "" && each !== null && each !== undefined && each !== false) search.append(name, each);
  }
  return search.size ? `${path}?${search}` : path;
}

/** Ask for a chat completion as a stream: the run's id, and the response whose end is the run's. */
export async function ask(body, signal) {
  const response = await send("v1/chat/completions", { method: "POST", body: { ...body, stream: true }, signal });
  return { runId: response.headers.get("x-gateway-run-id"), response };
}

/** The events of a response, as they come: `{name, data}`. `[DONE]` and comments are passed over. */
export async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value.replaceAll("\r\n", "\n");
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parsed(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parsed(block) {
  let name = "";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  const text = data.join("\n");
  return !text || text === "[DONE]" ? null : { name, data: JSON.parse(text) };
}

/** A run's events so far and each new one until it ends. */
export async function* runEvents(id, signal) {
  yield* eventsOf(await send(`v1/runs/${encodeURIComponent(id)}/events`, { signal }));
}
