// A person: who they are, what they write, whom they follow and by whom they are followed; and one post.
import { html, useEffect, useRef, useState } from "./preact-htm.js";
import { get, newKey, page, repeat } from "./api.js";
import { Feed } from "./feed.js";
import { Avatar, deleted, personPath, Post } from "./posts.js";
import { inWords, me, show, useTitle, useValue } from "./state.js";
import { exactTime, linked, webAddress } from "./text.js";

/** What a call returns: {data} when it has answered, {problem} when it failed, {} before; null: no call. */
export function useCall(load, inputs) {
  const [state, setState] = useState({});
  useEffect(() => {
    let isWanted = true;
    setState({});
    load().then((data) => isWanted && setState({ data }), (problem) => isWanted && setState({ problem }));
    return () => { isWanted = false; };
  }, inputs);
  return state;
}

export const Failure = ({ problem }) => html`<p role="alert" class="failure">${inWords(problem)}</p>`;

async function personNamed(name) {
  const { data } = await get(`/users/?username=${encodeURIComponent(name)}`);
  return data.length ? (await get(`/users/${data[0].id}`)).data : null;
}

/** A person with this name; `list` is "followers", "followees" or empty for their posts. */
export function Person({ name, list }) {
  useTitle(`@${name}`);
  const { data: person, problem } = useCall(() => personNamed(name), [name]);
  if (problem && problem.status !== 400) return html`<${Failure} problem=${problem} />`;
  if (person === null || problem) return html`<h1>Not found</h1><p>There is no one of this name here.</p>`;
  if (!person) return html`<p class="empty loading">Loading</p>`;
  return html`
    <${Profile} person=${person} />
    ${list
      ? html`<${People} path=${`/users/${person.id}/${list}`} label=${list === "followers" ? "Followers" : "Follows"} />`
      : html`<${Feed} key=${person.id} path=${`/users/${person.id}/posts`} label=${`Posts of @${person.username}`}
          empty="No posts yet." />`}`;
}

function Profile({ person }) {
  const path = personPath(person.username);
  const count = (number, word, plural = word) =>
    (typeof number === "number" ? `${number.toLocaleString()} ${number === 1 ? word : plural}` : plural);
  return html`
    <section class="profile" aria-label="Profile">
      <${Avatar} id=${person.id} path=${person.avatar} size=${72} />
      <div>
        <h1><span dir="auto">${person.displayName || person.username}</span> <span class="handle" dir="ltr">@${person.username}</span></h1>
        ${person.note && html`<p class="text" dir="auto">${linked(person.note)}</p>`}
        <${Links} links=${person.links} />
        <p class="meta">
          <a href=${path}>${count(person.posts, "post", "posts")}</a>
          <a href=${`${path}?followers`}>${count(person.followers, "follower", "followers")}</a>
          <a href=${`${path}?followees`}>${count(person.followees, "following")}</a>
          <span title=${exactTime(person.createdAt)}>since ${new Date(person.createdAt).toLocaleDateString()}</span>
        </p>
        <${Relation} key=${person.id} person=${person} />
      </div>
    </section>`;
}

/** The links of a person. An address of another scheme than the web's is shown as text. */
function Links({ links }) {
  if (!links?.length) return null;
  return html`<ul class="links">${links.map((text) => html`<li key=${text}>${webAddress(text)
    ? html`<a href=${webAddress(text)} rel="nofollow noopener noreferrer ugc" target="_blank">${text}</a>` : text}</li>`)}</ul>`;
}

function Relation({ person }) {
  const mine = useValue(me);
  const [relation, setRelation] = useState(null);
  const isOther = mine && mine.id !== person.id;
  const follow = `/users/${mine?.id}/follow/${person.id}`;
  const block = `/users/${mine?.id}/block/${person.id}`;
  const changes = useRef(Promise.resolve());
  const load = () => Promise.all([get(follow), get(block)]).then(
    ([follows, blocks]) => setRelation({ following: follows.data.following, blocking: blocks.data.blocking }),
    () => setRelation(null));
  useEffect(() => { if (isOther) load(); }, [mine?.id, person.id]);
  if (!isOther) return null;
  if (!relation) return html`<p class="actions"></p>`;
  const send = async (method, path) => {
    try {
      await repeat(method, path, method === "POST" ? { key: newKey() } : {});
    } catch (problem) {
      show(inWords(problem));
      await load();
    }
  };
  const change = (method, path, after) => {
    setRelation({ ...relation, ...after });
    // One after the other: of two side by side, the server might do the first one last.
    changes.current = changes.current.then(() => send(method, path));
  };
  const { following, blocking } = relation;
  return html`<p class="actions">
    ${!blocking && html`<button type="button" aria-pressed=${following}
      onClick=${() => change(following ? "DELETE" : "POST", follow, { following: !following })}>
      ${following ? "Unfollow" : "Follow"}</button>`}
    <button type="button" class="quiet" aria-pressed=${blocking}
      onClick=${() => change(blocking ? "DELETE" : "POST", block, { blocking: !blocking, following: false })}>
      ${blocking ? "Unblock" : "Block"}</button></p>`;
}

/** A list of people, page by page. */
export function People({ path, label }) {
  const [state, setState] = useState({ items: [], next: path });
  const more = async () => {
    try {
      const { items, next } = await page(state.next);
      setState({ items: [...state.items, ...items], next });
    } catch (problem) {
      setState({ ...state, problem });
    }
  };
  useEffect(() => { more(); }, []);
  return html`
    <h2>${label}</h2>
    <ul class="people">${state.items.map((each) => html`<li key=${each.id}>
      <a href=${personPath(each.username)}><${Avatar} id=${each.id} />
        <span>${each.displayName && html`<strong dir="auto">${each.displayName}</strong> `}<span class="handle">@${each.username}</span></span>
      </a></li>`)}</ul>
    ${state.problem && html`<${Failure} problem=${state.problem} />`}
    ${!state.items.length && !state.next && html`<p class="empty">No one.</p>`}
    ${state.items.length > 0 && state.next && html`<button type="button" onClick=${more}>More</button>`}`;
}

/** One post by its id. */
export function OnePost({ name, id }) {
  useTitle(`@${name}`);
  const gone = useValue(deleted);
  const { data, problem } = useCall(async () => (await get(`/posts/${encodeURIComponent(id)}`)).data, [id]);
  if (problem?.status === 404 || problem?.status === 400 || gone.has(id) || (data && !sameName(data.username, name)))
    return html`<h1>Not found</h1><p>There is no such post. It may have been deleted.</p>`;
  if (problem) return html`<${Failure} problem=${problem} />`;
  if (!data) return html`<p class="empty loading">Loading</p>`;
  return html`<h1 class="unseen">A post of @${data.username}</h1>
    <${Post} post=${data} position=${1} total=${1} />
    <p class="meta">${exactTime(data.createdAt)}</p>`;
}

const sameName = (a, b) => a.normalize("NFKC").toLowerCase() === b.normalize("NFKC").toLowerCase();

/** Posts and people that match a query. */
export function Search({ query }) {
  useTitle(`Search: ${query}`);
  return html`<h1>Search: <span dir="auto">${query}</span></h1>
    <${People} key=${`people ${query}`} path=${`/search/users?q=${encodeURIComponent(query)}`} label="People" />
    <h2>Posts</h2>
    <${Feed} key=${`posts ${query}`} path=${`/search/posts?q=${encodeURIComponent(query)}`} label="Posts found"
      empty="No posts have these words." />`;
}
