// Figures and times as people read them.

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  if (value < 0.0005) return `${(value * 1e6).toFixed(0)} µs`;
  if (value < 0.01) return `${(value * 1000).toFixed(1)} ms`;
  if (value < 0.9995) return `${(value * 1000).toFixed(0)} ms`;
  if (value < 59.95) return `${value.toFixed(value < 10 ? 2 : 1)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;
}

export function dollars(value) {
  if (!value) return "$0";
  if (value < 0.001) return `$${new Intl.NumberFormat("en", { maximumSignificantDigits: 2, maximumFractionDigits: 9 }).format(value)}`;
  return `$${value.toFixed(value < 1 ? 4 : 2)}`;
}

export const count = (value) => new Intl.NumberFormat("en").format(value ?? 0);
export const share = (value) => `${(100 * value).toFixed(value && value < 0.1 ? 1 : 0)} %`;
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function ago(at, now = Date.now() / 1000) {
  const past = Math.max(0, now - at);
  if (past < 5) return "now";
  if (past < 60) return `${Math.floor(past)} s ago`;
  if (past < 3600) return `${Math.floor(past / 60)} min ago`;
  if (past < 86400) return `${Math.floor(past / 3600)} h ago`;
  return `${Math.floor(past / 86400)} d ago`;
}

export const moment = (at) => new Date(at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** Text that is JSON, indented; any other text as it is. Numbers keep the digits that they came with. */
export function pretty(text) {
  const shown = String(text ?? "");
  if (!/^\s*[[{]/.test(shown) || /\d{16}/.test(shown)) return shown;
  try {
    return JSON.stringify(JSON.parse(shown), null, 2);
  } catch {
    return shown;
  }
}

export const json = (value) => JSON.stringify(value, null, 2);

/** A call's arguments in one line. */
export function inline(value, longest = 90) {
  const told = Object.entries(value ?? {}).map(([key, each]) => `${key}: ${JSON.stringify(each)}`).join(", ");
  return told.length > longest ? `${told.slice(0, longest - 1)}…` : told;
}
