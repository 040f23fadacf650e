// The page: which view an address shows, and what stands around it.
import { html, render } from "./preact-htm.js";
import { ended } from "./api.js";
import { Compose, Outbox } from "./compose.js";
import { Feed } from "./feed.js";
import { Help, onKey } from "./keys.js";
import { OnePost, Person, Search } from "./person.js";
import { openHere, personPath } from "./posts.js";
import { address, go, inWords, me, notice, show, useTitle, useValue } from "./state.js";
import { Settings } from "./settings.js";
import { findSession, forget, SignIn } from "./sign_in.js";

/** After so long the page takes its place also while it loads. */
const MAX_LOADING_SECONDS = 2;

const features = document.body.dataset;

function Welcome() {
  useTitle("");
  return html`
  <section class="welcome">
    <h1>Short posts, in the order in which they were written</h1>
    <p>Follow people, and their posts appear here as they write them: no ranking, no advertising.</p>
    <p class="actions"><a class="button" href="/?sign-up">Sign up</a> <a class="button quiet" href="/?sign-in">Sign in</a></p>
  </section>
  <${Public} />`;
}

const Public = () => features.public === undefined ? null : html`
  <h2>Newest posts</h2>
  <${Feed} key="public" path="/timelines/public" live=${features.live !== undefined && "/timelines/public/live"} label="Newest posts of everybody"
    empty="No one has written yet." />`;

function Home({ user }) {
  useTitle("");
  return html`
  <h1 class="unseen">Home</h1>
  <${Compose} />
  <${Outbox} />
  <${Feed} key=${user.id} path=${`/timelines/${user.id}`} live=${features.live !== undefined && `/timelines/${user.id}/live`} label="Home timeline"
    empty="Nothing here yet. Follow people, and their posts appear here." />`;
}

function View({ path, query, user }) {
  const [, name, rest] = /^\/@([^/]+)(?:\/([^/]+))?\/?$/.exec(path) || [];
  if (name && rest) return html`<${OnePost} key=${path} name=${decoded(name)} id=${rest} />`;
  if (name) {
    const list = ["followers", "followees"].find((each) => query.has(each));
    return html`<${Person} key=${path + (list || "")} name=${decoded(name)} list=${list} />`;
  }
  if (query.get("q")) return html`<${Search} key=${query.get("q")} query=${query.get("q")} />`;
  if (query.has("public")) return html`<${Public} />`;
  if (!user && (query.has("sign-in") || query.has("settings"))) return html`<${SignIn} key="in" next=${query.get("next")} />`;
  if (!user && query.has("sign-up")) return html`<${SignIn} key="up" isNew next=${query.get("next")} />`;
  if (user && query.has("settings")) return html`<${Settings} />`;
  return user ? html`<${Home} user=${user} />` : html`<${Welcome} />`;
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function Bar({ user, query }) {
  const find = (event) => {
    event.preventDefault();
    const words = new FormData(event.target).get("q").trim();
    if (words) go(`/?q=${encodeURIComponent(words)}`);
  };
  return html`<header class="bar">
    <nav aria-label="Main">
      <a class="brand" href="/">microblog</a>
      ${user && features.public !== undefined && html`<a href="/?public">Public</a>`}
      ${user && html`<a href=${personPath(user.username)}>@${user.username}</a><a href="/?settings">Settings</a>`}
      ${user === null && html`<a href="/?sign-in">Sign in</a>`}
    </nav>
    ${features.search !== undefined && html`<form role="search" onSubmit=${find}>
      <label class="unseen" for="search">Search posts and people</label>
      <input id="search" name="q" type="search" placeholder="Search" value=${query.get("q") || ""} /></form>`}
  </header>`;
}

function Notice() {
  const shown = useValue(notice);
  const act = () => {
    notice.set(null);
    shown.act();
  };
  return html`<div class="notice" role="status">${shown && html`<p><span>${shown.text}</span>
    ${shown.action && html`<button type="button" onClick=${act}>${shown.action}</button>`}</p>`}</div>`;
}

function Page() {
  const user = useValue(me);
  const here = useValue(address);
  const url = new URL(here, location.origin);
  return html`
    <${Bar} user=${user} query=${url.searchParams} />
    <main id="content" tabindex="-1">
      ${user !== undefined && html`<${View} path=${url.pathname} query=${url.searchParams} user=${user} />`}
    </main>
    <${Notice} /><${Help} />`;
}

async function start() {
  const app = document.getElementById("app");
  document.addEventListener("click", openHere);
  document.addEventListener("keydown", onKey);
  ended.notify = () => {
    if (!me.current) return;
    forget();
    show("Your session has ended. Sign in again.");
  };
  try {
    await findSession();
  } catch (problem) {
    me.set(null);
    show(inWords(problem), "Try again", () => location.reload());
  }
  const fresh = document.createElement("div");
  render(html`<${Page} />`, fresh);
  await loaded(fresh);
  fresh.id = app.id;
  app.replaceWith(fresh);
}

/** Wait until nothing is being loaded in an element, so that it takes the place of what is read without a flicker. */
function loaded(element) {
  return new Promise((done) => {
    const check = () => {
      if (!element.querySelector(".loading, [aria-busy=true]")) end();
    };
    const watch = new MutationObserver(check);
    const timer = setTimeout(() => end(), MAX_LOADING_SECONDS * 1000);
    const end = () => {
      watch.disconnect();
      clearTimeout(timer);
      done();
    };
    watch.observe(element, { subtree: true, childList: true, attributes: true });
    requestAnimationFrame(() => requestAnimationFrame(check));
  });
}

start();
