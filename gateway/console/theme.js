// Dark or light: as the system has it, or as it was chosen here.
import { fill, h, s } from "./dom.js";

const CHOICE = "gateway.theme";
const PICTURES = {
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M19 5l-1.4 1.4M6.4 17.6L5 19",
  dark: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
};
const dark = matchMedia("(prefers-color-scheme: dark)");
const order = ["system", "light", "dark"];
const choice = () => localStorage.getItem(CHOICE) ?? "system";

export function apply() {
  const chosen = choice();
  document.documentElement.dataset.theme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
}

/** A button that goes through the three. */
export function switcher() {
  const label = () => [s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: PICTURES[choice()] })), h("span.long", {}, `Theme: ${choice()}`)];
  const name = () => `Colour theme: ${choice()}. Change it.`;
  const button = h("button", { type: "button", "aria-label": name(), on: { click: () => {
    localStorage.setItem(CHOICE, order[(order.indexOf(choice()) + 1) % order.length]);
    apply();
    fill(button, label());
    button.setAttribute("aria-label", name());
  } } }, label());
  dark.addEventListener("change", apply);
  return button;
}
