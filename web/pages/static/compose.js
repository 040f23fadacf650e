// Writing: a draft that is kept, and posts that are shown before the server has them.
import { html, useEffect, useRef, useState } from "./preact-htm.js";
import { newKey, repeat } from "./api.js";
import { Post } from "./posts.js";
import { inWords, kept, me, useValue, Value } from "./state.js";
import { length, MAX_CHARACTERS } from "./text.js";

/** Posts under way and posts that failed, the newest first: {key, content, createdAt, author, problem}. */
export const outbox = new Value([]);

/** Tells those who subscribe of each post that the server has taken. */
export const sent = {
  listeners: new Set(),
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  },
  tell(post) {
    for (const listener of this.listeners) listener(post);
  },
};

const draftName = () => `draft ${me.current.id}`;
const outboxName = (user) => `outbox ${user}`;

/** What is kept for an author, by all tabs. */
function keptFor(author) {
  try {
    return JSON.parse(kept.get(outboxName(author)) || "[]");
  } catch {
    return []; // Not ours; it is overwritten.
  }
}

/**
 * Keep an entry, or with `isOver` forget it, beside the others that are kept for its author: those of other tabs are not
 * in the outbox of this one, and it may be another person's by now.
 */
function keep({ key, content, createdAt, author }, isOver = false) {
  const others = keptFor(author).filter((each) => each.key !== key);
  const entries = isOver ? others : [{ key, content, createdAt, author }, ...others];
  kept.set(outboxName(author), entries.length ? JSON.stringify(entries) : null);
}

/** Bring back what an earlier visit could not send. It is sent again only when the person says so: it may be old. */
export function openOutbox() {
  outbox.set(keptFor(me.current.id).map((entry) => ({ ...entry, problem: "It was not sent when you left." })));
}

/** Send an entry, with its key: however often it is tried, there is one post. */
async function send(entry) {
  keep(entry);
  outbox.set([{ ...entry, problem: null }, ...outbox.current.filter(({ key }) => key !== entry.key)]);
  const body = { userId: entry.author, content: entry.content };
  try {
    const { data } = await repeat("POST", "/posts/", { body, key: entry.key });
    discard(entry);
    sent.tell(data);
  } catch (problem) {
    outbox.set(outbox.current.map((each) => (each.key === entry.key ? { ...each, problem: inWords(problem) } : each)));
  }
}

function discard(entry) {
  keep(entry, true);
  outbox.set(outbox.current.filter(({ key }) => key !== entry.key));
}

/** The form. */
export function Compose() {
  const field = useRef(null);
  const [text, setText] = useState(() => kept.get(draftName()) || "");
  const left = MAX_CHARACTERS - length(text);
  const isReady = left >= 0 && left < MAX_CHARACTERS;
  const write = (value) => {
    setText(value);
    kept.set(draftName(), value);
  };
  const submit = (event) => {
    event?.preventDefault();
    if (!isReady) return;
    send({ key: newKey(), content: text, createdAt: new Date().toISOString(), author: me.current.id });
    write("");
    field.current.focus();
  };
  const keys = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && submit(event);
  useEffect(() => {
    const edit = ({ detail }) => {
      const draft = field.current.value;
      write(draft.trim() ? `${detail}\n${draft}` : detail);
      field.current.focus();
    };
    addEventListener("edit-post", edit);
    return () => removeEventListener("edit-post", edit);
  }, []);
  return html`
    <form class="compose" onSubmit=${submit}>
      <label for="compose-text">What is new?</label>
      <textarea id="compose-text" ref=${field} rows="3" dir="auto" value=${text} aria-describedby="compose-left"
        onInput=${(event) => write(event.target.value)} onKeyDown=${keys}></textarea>
      <div class="row">
        <span id="compose-left" class=${left < 0 ? "left over" : "left"}>
          ${left < 0 ? `${-left} too many` : `${left} left`}</span>
        <button type="submit" disabled=${!isReady} title="Ctrl+Enter">Post</button>
      </div>
    </form>`;
}

/** What is under way. */
export function Outbox() {
  const entries = useValue(outbox);
  return html`<div class="outbox" aria-live="polite">${entries.map((entry) => html`
    <${Post} key=${entry.key} post=${{ ...entry, userId: me.current.id, username: me.current.username }} position=${1}
      total=${-1} outcome=${html`<${Outcome} entry=${entry} />`} />`)}</div>`;
}

function Outcome({ entry }) {
  if (!entry.problem) return html`<p class="outcome">Sending</p>`;
  const edit = () => {
    discard(entry);
    dispatchEvent(new CustomEvent("edit-post", { detail: entry.content }));
  };
  return html`<div class="outcome failed">
    <p>Not sent. ${entry.problem}</p>
    <p class="actions">
      <button type="button" onClick=${() => send(entry)}>Try again</button>
      <button type="button" class="quiet" onClick=${edit}>Edit</button>
      <button type="button" class="quiet" onClick=${() => discard(entry)}>Discard</button>
    </p></div>`;
}
