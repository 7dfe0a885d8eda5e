// Elements made from plain data. Text goes in as text nodes only: nothing here, or anywhere in the
// console, reads HTML from a string, so what a model or a tool says stays what it is.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("a.button", {href: "#/runs"}, "Runs")`. `on` holds listeners, `style` CSS values. */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return filled(document.createElement(name || "div"), classes, props, children);
}

/** The same for SVG. */
export function s(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return filled(document.createElementNS(SVG, name), classes, props, children);
}

function filled(element, classes, props, children) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (key === "style") for (const [rule, to] of Object.entries(value)) element.style.setProperty(rule, to);
    else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
    else if (key === "value" || key === "checked" || key === "open") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put these in place of what is there. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let saying;
/** Tell something in passing; screen readers hear it. */
export function say(text) {
  const place = document.getElementById("said");
  fill(place, h("p", {}, text));
  clearTimeout(saying);
  saying = setTimeout(() => fill(place), 4000);
}

let ids = 0;
/** An id that nothing else has. */
export const newId = (stem) => `${stem}-${++ids}`;

/** A colour scheme for an element's bar: by role of a model, or by effect of a call. */
export const barClass = (kind) => `is-${kind}`;
