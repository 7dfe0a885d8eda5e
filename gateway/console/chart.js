// Stacked columns along time, in SVG, with the same figures as a table for those who can't see them.
import { fill, h, s } from "./dom.js";

const WIDTH = 460;
const HEIGHT = 170;
const LEFT = 46;
const BOTTOM = 22;
const TOP = 10;

/**
 * `columns` are `{name, tick, values: {series: number}}`, `series` are `{key, name, colour}`. `told` writes
 * a figure; `whole` figures get no fractions at the axis. A column tells its figures when it is pointed at.
 */
export function stacked({ title, columns, series, told, whole = false }) {
  const sums = columns.map((column) => series.reduce((sum, { key }) => sum + (column.values[key] ?? 0), 0));
  const top = nice(Math.max(...sums, whole ? 2 : 0), whole);
  const readout = h("p.readout", { "aria-hidden": "true" });
  const idle = () => fill(readout, `${told(sums.reduce((sum, each) => sum + each, 0))} in all`);
  const step = (WIDTH - LEFT) / columns.length;
  const gap = Math.min(4, step * 0.2);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const lines = [0, 0.5, 1].map((part) => s("g", {}, s("line", { class: part ? "grid" : "grid base", x1: LEFT, x2: WIDTH, y1: y(part * top), y2: y(part * top) }), s("text", { x: LEFT - 8, y: y(part * top) + 4, "text-anchor": "end" }, told(part * top))));
  const every = Math.ceil(columns.length / 8);

  const drawn = columns.map((column, place) => {
    let at = 0;
    const bars = series.map(({ key, colour }) => {
      const value = column.values[key] ?? 0;
      if (!value) return null;
      at += value;
      return s("rect", { x: LEFT + place * step + gap / 2, y: y(at), width: Math.max(1, step - gap), height: Math.max(1, y(at - value) - y(at) - (at > value ? 1 : 0)), rx: Math.min(3, step / 6), style: { fill: colour } });
    });
    const parts = series.filter(({ key }) => column.values[key]).map(({ key, name }) => `${name} ${told(column.values[key])}`);
    const show = () => fill(readout, `${column.name}: ${parts.join(", ") || "nothing"}`);
    return s("g.col", { on: { pointerenter: show, pointerleave: idle } },
      s("rect.hit", { x: LEFT + place * step, y: TOP, width: step, height: HEIGHT - TOP - BOTTOM, style: { fill: "transparent" } }), bars,
      place % every === 0 ? s("text", { x: LEFT + place * step + step / 2, y: HEIGHT - 6, "text-anchor": "middle" }, column.tick) : null);
  });
  idle();
  return h("figure.card.chart", {}, h("header", {}, h("h2", {}, title), readout),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, lines, drawn),
    h("p.legend", { "aria-hidden": "true" }, series.map(({ name, colour }) => h("span", { style: { "--swatch": colour } }, name))),
    table(title, columns, series, told));
}

function table(title, columns, series, told) {
  const shown = columns.filter((column) => series.some(({ key }) => column.values[key]));
  return h("details", {}, h("summary", {}, "As a table"), shown.length ? h("div.scroll", { tabindex: "0", role: "region", "aria-label": `${title}, as a table` }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "From"), series.map(({ name }) => h("th.n", { scope: "col" }, name)))),
    h("tbody", {}, shown.map((column) => h("tr", {}, h("th", { scope: "row" }, column.name), series.map(({ key }) => h("td.n", {}, told(column.values[key] ?? 0)))))))) : h("p.hint", {}, "Nothing in this time."));
}

/** The next round figure above. */
function nice(value, whole) {
  if (!value) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return (whole ? [1, 2, 4, 6, 8, 10] : [1, 2, 4, 5, 10]).map((each) => each * power).find((each) => each >= value && (!whole || each % 2 === 0));
}
