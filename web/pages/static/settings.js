// What people change about themselves: profile, password, tokens, and the end of their account.
import { html, useEffect, useState } from "./preact-htm.js";
import { call, get, repeat } from "./api.js";
import { Failure, useCall } from "./person.js";
import { personPath } from "./posts.js";
import { go, inWords, kept, me, session, show, useTitle, useValue } from "./state.js";
import { exactTime, relativeTime } from "./text.js";
import { forget } from "./sign_in.js";

export function Settings() {
  const user = useValue(me);
  const { data: profile, problem } = useCall(async () => (await get(`/users/${user.id}`)).data, [user.id]);
  useTitle("Settings");
  return html`
    <h1>Settings</h1>
    <p><a href=${personPath(user.username)}>Your page</a></p>
    <${Theme} />
    ${problem && html`<${Failure} problem=${problem} />`}
    ${!profile && !problem && html`<p class="loading">Loading</p>`}
    ${profile && "note" in profile && html`<${ProfileForm} profile=${profile} />`}
    <${PasswordForm} user=${user} />
    <${Tokens} />
    <${SignOut} />
    <${DeleteAccount} user=${user} />`;
}

function Theme() {
  const [theme, setTheme] = useState(kept.get("theme") || "system");
  const choose = (event) => {
    const chosen = event.target.value;
    kept.set("theme", chosen === "system" ? null : chosen);
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    setTheme(chosen);
  };
  return html`<p class="row"><label for="theme">Colours</label>
    <select id="theme" value=${theme} onChange=${choose}>
      <option value="system">As the system</option><option value="light">Light</option><option value="dark">Dark</option>
    </select></p>`;
}

/** Submit a form's fields with `send`, and say how it went. */
function useForm(send) {
  const [problem, setProblem] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const form = event.target;
    setProblem(null);
    try {
      await send(Object.fromEntries(new FormData(form)), form);
    } catch (failure) {
      setProblem(failure);
    }
  };
  return [submit, problem && html`<${Failure} problem=${problem} />`];
}

function ProfileForm({ profile }) {
  const [submit, failure] = useForm(async ({ displayName, note, links }) => {
    const body = { displayName, note, links: links.split(/\s+/).filter(Boolean) };
    const { data } = await repeat("PATCH", `/users/${profile.id}`, { body });
    me.set({ ...me.current, displayName: data.displayName });
    show("Your profile was changed.");
  });
  return html`<form onSubmit=${submit}>
    <h2>Profile</h2>
    <label for="display-name">Name to show</label>
    <input id="display-name" name="displayName" maxlength="100" dir="auto" value=${profile.displayName} />
    <label for="note">About you</label>
    <textarea id="note" name="note" rows="3" dir="auto">${profile.note || ""}</textarea>
    <label for="links">Links, one a line (https)</label>
    <textarea id="links" name="links" rows="2">${(profile.links || []).join("\n")}</textarea>
    ${failure}
    <button type="submit">Save</button></form>`;
}

function PasswordForm({ user }) {
  const [submit, failure] = useForm(async ({ currentPassword, password }, form) => {
    const body = currentPassword ? { currentPassword, password } : { password };
    await call("PUT", `/users/${user.id}/password`, { body });
    form.reset();
    show("Your password was changed. Other sessions go on until you end them below.");
  });
  return html`<form onSubmit=${submit}>
    <h2>Password</h2>
    <input class="unseen" autocomplete="username" value=${user.username} readonly tabindex="-1" aria-hidden="true" />
    <label for="current-password">Current password</label>
    <input id="current-password" name="currentPassword" type="password" autocomplete="current-password" maxlength="200" />
    <label for="new-password">New password</label>
    <input id="new-password" name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="200" />
    ${failure}
    <button type="submit">Change password</button></form>`;
}

function Tokens() {
  const [tokens, setTokens] = useState([]);
  const load = async () => setTokens((await get("/tokens/")).data);
  useEffect(() => { load().catch((problem) => show(inWords(problem))); }, []);
  const revoke = async (ids) => {
    try {
      for (const id of ids) await call("DELETE", `/tokens/${id}`);
      show(ids.length === 1 ? "It was revoked." : "All others were revoked.");
    } catch (problem) {
      show(inWords(problem));
    }
    load();
  };
  const others = tokens.filter(({ id }) => id !== session.tokenId).map(({ id }) => id);
  return html`
    <section aria-labelledby="tokens"><h2 id="tokens">Sessions and tokens</h2>
    <p>Each browser and program that may act for you.</p>
    <ul class="tokens">${tokens.map((token) => html`<li key=${token.id}>
      <span><strong dir="auto">${token.name || "without a name"}</strong>${token.id === session.tokenId && " (this browser)"}
        <br /><span class="meta" title=${exactTime(token.createdAt)}>made ${relativeTime(token.createdAt)}${token.lastUsedAt
          ? `, used ${relativeTime(token.lastUsedAt)}` : ", not used yet"}</span></span>
      ${token.id !== session.tokenId && html`<button type="button" class="quiet" onClick=${() => revoke([token.id])}
        aria-label=${`Revoke ${token.name || "the token without a name"}`}>Revoke</button>`}</li>`)}</ul>
    ${others.length > 1 && html`<button type="button" onClick=${() => revoke(others)}>Revoke all others</button>`}</section>`;
}

function SignOut() {
  const leave = async () => {
    try {
      await call("DELETE", "/session");
    } catch (problem) {
      if (problem.status !== 401) return show(inWords(problem));
    }
    forget();
    return go("/");
  };
  return html`<p class="actions"><button type="button" id="sign-out" onClick=${leave}>Sign out</button></p>`;
}

/** Delete the user at this path. The answer may be lost: then the next attempt finds neither session nor user. */
async function deleteAccount(path) {
  try {
    await repeat("DELETE", path);
  } catch (problem) {
    if (problem.status !== 401 || !(await isGone(path))) throw problem;
  }
}

const isGone = (path) => get(path).then(() => false, ({ status }) => status === 404);

function DeleteAccount({ user }) {
  const [typed, setTyped] = useState("");
  const [submit, failure] = useForm(async () => {
    await deleteAccount(`/users/${user.id}`);
    forget();
    go("/");
    show("Your account was deleted.");
  });
  return html`<form onSubmit=${submit} class="danger">
    <h2>Delete the account</h2>
    <p>Your posts, follows and followers are gone at once, for good. No one can take your name for some time.</p>
    <label for="confirm">Type your name, ${user.username}, to confirm</label>
    <input id="confirm" autocomplete="off" autocapitalize="none" value=${typed} onInput=${(event) => setTyped(event.target.value)} />
    ${failure}
    <button type="submit" class="dangerous" disabled=${typed !== user.username}>Delete my account</button></form>`;
}
