// Keys for those who read with them, and the dialog that lists them.
import { html } from "./preact-htm.js";
import { address, go, me } from "./state.js";

const KEYS = [
  ["j", "next post"],
  ["k", "previous post"],
  ["n", "write a post"],
  [".", "show new posts"],
  ["Ctrl+Enter", "send what you write"],
  ["?", "this list"],
];

export const Help = () => html`
  <dialog id="help" aria-labelledby="help-title">
    <h2 id="help-title">Keys</h2>
    <dl>${KEYS.map(([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <form method="dialog"><button>Close</button></form>
  </dialog>`;

const acts = {
  j: () => step(1),
  k: () => step(-1),
  n: write,
  ".": () => (document.getElementById("fresh") ? document.getElementById("fresh").click() : scrollTo({ top: 0 })),
  "?": () => document.getElementById("help").showModal(),
};

/** Act on a key, unless it is typed into a field or belongs to the browser. */
export function onKey(event) {
  const isTyped = event.target.closest?.("input, textarea, select, dialog");
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

function step(by) {
  const posts = [...document.querySelectorAll("article.post")];
  const at = posts.indexOf(document.activeElement?.closest("article.post"));
  const target = posts[at < 0 ? (by > 0 ? 0 : posts.length - 1) : Math.min(Math.max(at + by, 0), posts.length - 1)];
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: "nearest" });
}

function write() {
  if (!me.current) return;
  if (address.current !== "/") go("/");
  requestAnimationFrame(() => document.getElementById("compose-text")?.focus());
}
