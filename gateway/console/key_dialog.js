// The API key: asked for when the gateway wants one, kept for this tab only.
import { keep, key } from "./api.js";
import { h, say } from "./dom.js";

/** Ask for a key; `changed` is called once there is another. */
export function askForKey(changed) {
  if (document.querySelector("dialog[open]")) return;
  const input = h("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", value: key(), "aria-describedby": "key-hint" });
  const close = () => dialog.close();
  const take = (event) => {
    event.preventDefault();
    keep(input.value.trim());
    close();
    say(key() ? "The key is kept in this tab." : "The key is forgotten.");
    changed();
  };
  const dialog = h("dialog", { "aria-labelledby": "key-title", on: { close: () => dialog.remove() } },
    h("form.form", { method: "dialog", on: { submit: take } },
      h("h2", { id: "key-title" }, "API key"),
      h("div.field", {}, h("label", { for: "key" }, "Key"), input, h("p.hint", { id: "key-hint" }, "Sent as a bearer token with each request, and kept in this tab until it is closed. Leave it empty to forget it.")),
      h("div.row.end", {}, h("button", { type: "button", on: { click: close } }, "Cancel"), h("button.main", { type: "submit" }, "Use this key"))));
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
}
