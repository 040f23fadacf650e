// Texts: how long they are, what in them is a link, and how a time reads.
import { html } from "./preact-htm.js";

export const MAX_CHARACTERS = 500;

/** The length that the server counts: code points, without white space around them. */
export const length = (text) => [...trimmed(text)].length;

// White space as Python strips it. JavaScript's trim() also takes U+FEFF, and leaves U+001C to U+001F and U+0085.
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");
const trimmed = (text) => text.replace(AROUND, "");

// A web address, a mention or a hashtag. What stands before the two latter must not belong to a word or an address.
const LINK = /(https?:\/\/[^\s<>"]+)|(?<![\p{L}\p{N}_@#/.-])([@#])([\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]{0,49})/gu;
const TRAILING = /[.,;:!?)\]}'"…]+$/u;

/** A text with its links, mentions and hashtags as elements. Everything else stays text, whatever it looks like. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const [whole, isAddress, sign] = match;
    const shown = whole.replace(isAddress ? TRAILING : /[.-]+$/, "");
    const address = isAddress ? webAddress(shown) : innerAddress(sign, shown.slice(1));
    if (!address) continue;
    parts.push(text.slice(end, match.index), link(shown, address, Boolean(isAddress)));
    end = match.index + shown.length;
  }
  return [...parts, text.slice(end)];
}

/** Where a mention or a hashtag leads; null for a hashtag where the server has no search. */
function innerAddress(sign, name) {
  if (sign === "@") return name && `/@${encodeURIComponent(name)}`;
  return document.body.dataset.search === undefined ? null : `/?q=${encodeURIComponent(`#${name}`)}`;
}

/** A text with the places that a search found in it, by code points; the rest stays as it is. */
export function marked(text, places) {
  const letters = [...text];
  const parts = [];
  let end = 0;
  for (const place of places) {
    parts.push(letters.slice(end, place.start).join(""));
    parts.push(html`<mark>${letters.slice(place.start, place.end).join("")}</mark>`);
    end = place.end;
  }
  return [...parts, letters.slice(end).join("")];
}

const link = (text, address, isOutside) =>
  isOutside
    ? html`<a href=${address} rel="nofollow noopener noreferrer ugc" target="_blank">${text}</a>`
    : html`<a href=${address}>${text}</a>`;

/** The address as a URL of the web, null for any other scheme. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** When it was, in full. */
export const exactTime = (iso) => exact.format(new Date(iso));

/** How long ago: "now", "5 min", "3 h", later the day. */
export function relativeTime(iso, now = Date.now()) {
  const minutes = Math.floor((now - new Date(iso)) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  return day.format(new Date(iso));
}
