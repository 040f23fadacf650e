// What the parts of the page share: who is signed in, the address, notices, and what is kept in the browser.
import { useEffect, useReducer } from "./preact-htm.js";

/** A value that components re-render on. */
export class Value {
  constructor(initial) {
    this.current = initial;
    this.listeners = new Set();
  }

  set(value) {
    this.current = value;
    for (const listener of [...this.listeners]) listener();
  }
}

/** The current value, in a component. */
export function useValue(value) {
  const [, render] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    value.listeners.add(render);
    return () => value.listeners.delete(render);
  }, [value]);
  return value.current;
}

/** The user who is signed in, null without one, undefined until it is known. */
export const me = new Value(undefined);
/** The token of this browser's session. */
export const session = { tokenId: null };
/** The path and query that is shown. */
export const address = new Value(location.pathname + location.search);
/** One sentence at the bottom, with an action or none: {text, action, act}. */
export const notice = new Value(null);
/** Whether the browser says that it has a network. */
export const isOnline = new Value(navigator.onLine);
addEventListener("online", () => isOnline.set(true));
addEventListener("offline", () => isOnline.set(false));
/** Rises every half minute, for relative times. */
export const clock = new Value(Date.now());
setInterval(() => clock.set(Date.now()), 30_000);

let timer = 0;

/** Show a notice for some seconds. */
export function show(text, action = null, act = null, seconds = 8) {
  clearTimeout(timer);
  notice.set({ text, action, act });
  timer = setTimeout(() => notice.set(null), seconds * 1000);
}

const title = { text: "", count: 0 };

/** Change parts of the tab's title: the view's text, and the number of new posts. */
export function setTitle(change) {
  Object.assign(title, change);
  document.title = (title.count ? `(${title.count}) ` : "") + (title.text ? `${title.text} · microblog` : "microblog");
}

/** Name the tab after a view, in a component. */
export const useTitle = (text) => useEffect(() => setTitle({ text }), [text]);

/** The text of a problem, with the id by which its request is found in the logs. */
export const inWords = (problem) =>
  problem.requestId ? `${problem.message} (request ${problem.requestId})` : problem.message;

/** Lists and places by address, for the way back. */
export const places = new Map();

history.scrollRestoration = "manual";

/** Go to an address of the page. */
export function go(path, { replace = false } = {}) {
  remember();
  history[replace ? "replaceState" : "pushState"](null, "", path);
  address.set(path);
}

addEventListener("popstate", () => {
  address.set(location.pathname + location.search);
});

/** Keep how far this address is scrolled. */
export function remember() {
  const place = places.get(address.current);
  if (place) place.scroll = scrollY;
}
let frame = 0;
addEventListener("scroll", () => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(remember);
}, { passive: true });

/** A value in localStorage, which may be full or forbidden. */
export const kept = {
  get: (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set: (name, value) => {
    try {
      if (value) localStorage.setItem(name, value);
      else localStorage.removeItem(name);
    } catch {
      // The page works without.
    }
  },
};
