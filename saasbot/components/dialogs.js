// Where the keyboard was, outside of dialogs and in each that is open: when one closes it goes back there. Radix only knows
// the way back to a trigger of its own, and our dialogs are opened by what the server says.
const DIALOGS = "[role=dialog], [role=alertdialog]";
const lastIn = new WeakMap();

if (typeof document !== "undefined") {
  document.addEventListener("focusin", ({ target }) => lastIn.set(target.closest?.(DIALOGS) ?? document, target));
}

export function returnFocus() {
  const place = [...document.querySelectorAll(DIALOGS)].at(-1) ?? document;
  const last = lastIn.get(place);
  // What was deleted meanwhile has left the page: then its beginning is nearer than the browser's bar.
  (last?.isConnected ? last : document.getElementById("content"))?.focus();
}
