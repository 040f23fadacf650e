// One post in a list, and what its author can do with it.
import { html } from "./preact-htm.js";
import { call, repeat } from "./api.js";
import { clock, go, inWords, me, show, useValue, Value } from "./state.js";
import { exactTime, linked, marked, relativeTime } from "./text.js";

/** Ids of posts that are deleted, here or by an event: every list leaves them out. */
export const deleted = new Value(new Set());

const UNDO_SECONDS = 6;
const hide = (id) => deleted.set(new Set(deleted.current).add(id));

/** Leave a post out from now on. */
export const noteDeleted = hide;

function restore(id) {
  const left = new Set(deleted.current);
  left.delete(id);
  deleted.set(left);
}

/** Delete a post a few seconds from now, unless it is undone; at once when the page is left. */
export function deleteLater(id) {
  hide(id);
  let isOpen = true;
  const close = () => {
    isOpen = false;
    clearTimeout(timer);
    removeEventListener("pagehide", leave);
  };
  const leave = () => {
    if (isOpen) call("DELETE", `/posts/${id}`, { keepalive: true }).catch(() => {});
    close();
  };
  const timer = setTimeout(async () => {
    close();
    try {
      await repeat("DELETE", `/posts/${id}`);
    } catch (problem) {
      if (problem.status === 404) return;
      restore(id);
      show(`The post was not deleted. ${inWords(problem)}`);
    }
  }, UNDO_SECONDS * 1000);
  addEventListener("pagehide", leave);
  const undo = () => {
    close();
    restore(id);
    show("The post was kept.");
  };
  show("Post deleted.", "Undo", undo, UNDO_SECONDS);
}

export const personPath = (username) => `/@${encodeURIComponent(username)}`;
export const postPath = (post) => `${personPath(post.username)}/${post.postId}`;

/** The picture of a user, where the server has pictures. */
export const Avatar = ({ id, path, size = 40 }) =>
  document.body.dataset.avatars === undefined ? null : html`<img class="avatar" src=${path || `/users/${id}/avatar.svg`} width=${size} height=${size} alt="" loading="lazy" />`;

/** A post. `position` and `total` are of the list; a total of -1 is unknown. */
export function Post({ post, position, total, outcome }) {
  useValue(clock);
  const mine = useValue(me)?.id === post.userId;
  const label = `post-${post.postId}`;
  return html`
    <article class="post" tabindex="0" aria-posinset=${position} aria-setsize=${total} aria-labelledby=${`${label}-by`}
      aria-describedby=${label} data-post=${post.postId}>
      <${Avatar} id=${post.userId} />
      <div class="body">
        <p class="by" id=${`${label}-by`}>
          <a href=${personPath(post.username)}>
            ${post.displayName && html`<strong dir="auto">${post.displayName}</strong>${" "}`}
            <span class="handle" dir="ltr">@${post.username}</span></a>
          ${post.postId && html`<a class="when" href=${postPath(post)}>
            <time datetime=${post.createdAt} title=${exactTime(post.createdAt)}>${relativeTime(post.createdAt)}</time></a>`}
        </p>
        <p class="text" id=${label} dir="auto">${post.highlights?.length ? marked(post.content, post.highlights) : linked(post.content)}</p>
        ${outcome}
        ${mine && !outcome && html`<p class="actions"><button type="button" class="quiet" onClick=${() => deleteLater(post.postId)}
          aria-label="Delete this post">Delete</button></p>`}
      </div>
    </article>`;
}

/** Follow links of the page itself without loading it anew. */
export function openHere(event) {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || link.target || event.defaultPrevented) return;
  const url = new URL(link.href);
  const isOurs = url.pathname === "/" || url.pathname.startsWith("/@");
  if (url.origin !== location.origin || !isOurs || (url.hash && url.pathname === location.pathname)) return;
  event.preventDefault();
  go(url.pathname + url.search);
}
