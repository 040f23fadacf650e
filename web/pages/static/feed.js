// A list of posts, newest first. New posts wait behind a pill: nothing moves what is being read.
import { html, useEffect, useLayoutEffect, useReducer, useRef } from "./preact-htm.js";
import { page } from "./api.js";
import { sent } from "./compose.js";
import { follow } from "./live.js";
import { deleted, noteDeleted, Post } from "./posts.js";
import { address, inWords, isOnline, me, places, setTitle, useValue } from "./state.js";

const POLL_SECONDS = 30;
const REBUILD_SECONDS = 2;
/** At least so long, and up to twice as long, until a newest page that could not be read is asked for again. */
const RETRY_SECONDS = 5;
/** Posts that wait behind the pill; with more, the list is read anew. */
const MAX_FRESH = 200;

/** What a list tells where no component shows it. */
const unseen = () => {};

/** The posts of one address, which outlive its component: on the way back they are there at once. */
class List {
  constructor(path) {
    this.path = path;
    this.items = [];
    this.fresh = [];
    this.next = null;
    this.hasGap = false;
    this.isLoaded = false;
    this.isBusy = false;
    this.isIncomplete = false;
    this.connection = "";
    this.problem = null;
    this.scroll = 0;
    this.timer = 0;
    this.changed = unseen;
  }

  /**
   * Read the newest page, or read it again: what is new waits, what is gone disappears. A list that is shown asks until it
   * is answered: after a reset of the stream nothing else tells what was missed.
   */
  async refresh() {
    const problem = await this.busily(async () => {
      const before = this.known();
      const newest = await page(this.path);
      this.isIncomplete = newest.isIncomplete;
      if (this.isLoaded && (this.items.length || this.fresh.length)) this.compare(newest, before);
      else Object.assign(this, { items: newest.items, next: newest.next, isLoaded: true });
    });
    if (this.isIncomplete) this.refreshIn(REBUILD_SECONDS);
    else if (problem?.isTransient && this.changed !== unseen)
      this.refreshIn(Math.max(RETRY_SECONDS, problem.retryAfterSeconds || 0) + RETRY_SECONDS * Math.random());
  }

  refreshIn(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), seconds * 1000);
  }

  /** Take a newest page over; `before` are the ids of the posts that were here when it was asked for. */
  compare(newest, before) {
    const known = this.known();
    const unknown = newest.items.filter((post) => !known.has(post.postId));
    this.hasGap = unknown.length === newest.items.length && unknown.length > 0 && newest.next !== null;
    const last = newest.next ? newest.items.at(-1).postId : "";
    if (!newest.isIncomplete && !this.hasGap) {
      // What is not on the page any more is gone from this list, and perhaps from no other: its author may be blocked.
      const shown = new Set(newest.items.map((post) => post.postId));
      const isLeft = ({ postId }) => postId <= last || shown.has(postId) || !before.has(postId);
      this.items = this.items.filter(isLeft);
      this.fresh = this.fresh.filter(isLeft);
      // A list that was read while it was incomplete may have ended too early.
      if (!this.items.some((post) => post.postId < last)) this.next = newest.next;
    }
    this.add(unknown);
  }

  /** Take new posts: one's own are shown at once, others wait. */
  add(posts) {
    const known = this.known();
    for (const post of posts) {
      if (known.has(post.postId)) continue;
      if (post.userId === me.current?.id) this.items = byTime([post, ...this.items]);
      else this.fresh = byTime([post, ...this.fresh]);
    }
    if (this.fresh.length > MAX_FRESH) this.hasGap = true;
    this.changed();
  }

  /** Take a post that was sent here. Its answer may come when a list is shown to which it does not belong. */
  wrote(post) {
    const { userId } = post;
    if (["/timelines/public", `/timelines/${userId}`, `/users/${userId}/posts`].includes(this.path)) this.add([post]);
  }

  /** Show what waits. */
  async showFresh() {
    if (this.hasGap) {
      Object.assign(this, { items: [], fresh: [], next: null, hasGap: false, isLoaded: false });
      await this.refresh();
    } else {
      this.items = byTime([...this.fresh, ...this.items]);
      this.fresh = [];
    }
    this.changed();
  }

  async loadMore() {
    if (this.isBusy || !this.next) return;
    await this.busily(async () => {
      const asked = this.next;
      const older = await page(asked);
      if (this.next !== asked) return; // The list began anew, and what is between would be missing.
      const known = this.known();
      this.items = [...this.items, ...older.items.filter((post) => !known.has(post.postId))];
      this.next = older.next;
    });
  }

  /** Do `work`; returns the problem that ended it, if one did. */
  async busily(work) {
    let failed;
    this.isBusy = true;
    this.problem = null;
    this.changed();
    try {
      await work();
    } catch (problem) {
      failed = problem;
      if (problem.type === "/problems/unfinished") this.isIncomplete = true;
      else this.problem = problem;
    }
    this.isBusy = false;
    this.changed();
    return failed;
  }

  /** Take an event of the stream. */
  told({ event, data }) {
    if (event === "post") this.add([data]);
    if (event === "delete") noteDeleted(data.id);
    if (event === "reset") this.refresh();
    if (event === "state") {
      if (data === "live" && this.connection === "reconnecting") this.refresh();
      this.connection = data;
      this.changed();
    }
  }

  known() {
    return new Set([...this.items, ...this.fresh].map((post) => post.postId));
  }
}

/** Posts in the order of their ids, which begin with the time; each once. */
const byTime = (posts) =>
  [...new Map(posts.map((post) => [post.postId, post])).values()].sort((a, b) => (a.postId < b.postId ? 1 : -1));

/** A list of posts at the API's `path`, which moves by itself where `live` names its stream. */
export function Feed({ path, live, label, empty }) {
  const here = useRef(address.current).current;
  const [, render] = useReducer((count) => count + 1, 0);
  const gone = useValue(deleted);
  const list = places.get(here)?.path === path ? places.get(here) : new List(path);
  places.set(here, list);

  useEffect(() => {
    list.changed = render;
    list.refresh();
    return () => { list.changed = unseen; };
  }, [list]);
  useEffect(() => {
    const again = () => list.refresh();
    addEventListener("online", again);
    return () => removeEventListener("online", again);
  }, [list]);
  useEffect(() => sent.subscribe((post) => list.wrote(post)), [list]);
  useEffect(() => (live ? follow(live, (message) => list.told(message)) : undefined), [list, live]);
  usePolling(list, !live || list.connection === "unavailable");
  useLayoutEffect(() => { if (list.isLoaded) scrollTo(0, list.scroll); }, [list]);

  const shown = list.items.filter((post) => !gone.has(post.postId));
  const fresh = list.fresh.filter((post) => !gone.has(post.postId));
  // A feed without an article is none by WAI-ARIA.
  const feed = shown.length ? { role: "feed", "aria-label": label } : {};
  return html`
    <${Pill} count=${fresh.length} hasGap=${list.hasGap} list=${list} />
    <${State} list=${list} />
    <div ...${feed} aria-busy=${list.isBusy || (!list.isLoaded && !list.problem)}>
      ${shown.map((post, index) => html`<${Post} key=${post.postId} post=${post} position=${index + 1}
        total=${list.next ? -1 : shown.length} />`)}
    </div>
    ${list.isLoaded && !shown.length && !list.isIncomplete && html`<p class="empty">${empty}</p>`}
    <${More} list=${list} />`;
}

function usePolling(list, isNeeded) {
  useEffect(() => {
    if (!isNeeded) return undefined;
    const timer = setInterval(() => document.hidden || list.refresh(), POLL_SECONDS * 1000);
    return () => clearInterval(timer);
  }, [list, isNeeded]);
}

function Pill({ count, hasGap, list }) {
  useEffect(() => {
    setTitle({ count });
    return () => setTitle({ count: 0 });
  }, [count]);
  const text = hasGap ? "New posts" : `${count} new post${count === 1 ? "" : "s"}`;
  const act = async () => {
    await list.showFresh();
    scrollTo({ top: 0 });
    requestAnimationFrame(() => document.querySelector("[role=feed] article")?.focus({ preventScroll: true }));
  };
  return html`<div class="pill" role="status">
    ${(count > 0 || hasGap) && html`<button type="button" id="fresh" onClick=${act}>${text}</button>`}</div>`;
}

function State({ list }) {
  const online = useValue(isOnline);
  let text = "";
  if (!online) text = "You are offline. What you write is kept, and what you see may be old.";
  else if (list.isIncomplete) text = "This timeline is being rebuilt: posts may be missing for some seconds.";
  else if (list.connection === "reconnecting") text = "Reconnecting. New posts appear once the server answers.";
  return html`<div class="state" role="status">${text && html`<p>${text}</p>`}</div>`;
}

function More({ list }) {
  const end = useRef(null);
  useEffect(() => {
    // Each new watch tells at once whether the end is near, so an end that came near during a call is not missed.
    if (list.isBusy || list.problem || !list.next) return undefined;
    const watch = new IntersectionObserver((entries) => entries.some((each) => each.isIntersecting) && list.loadMore(),
      { rootMargin: "800px" });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [list, list.isBusy, list.next, list.problem]);
  const retry = () => (list.isLoaded ? list.loadMore() : list.refresh());
  return html`<div class="more" ref=${end}>
    ${list.problem && html`<p role="alert">${inWords(list.problem)}</p>`}
    ${list.problem && html`<button type="button" onClick=${retry}>Try again</button>`}
    ${!list.problem && list.next && html`<button type="button" disabled=${list.isBusy} onClick=${() => list.loadMore()}>
      ${list.isBusy ? "Loading" : "Older posts"}</button>`}
  </div>`;
}
