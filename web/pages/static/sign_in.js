// Signing up and signing in. The session is a cookie that the server sets.
import { html, useRef, useState } from "./preact-htm.js";
import { call, get, newKey } from "./api.js";
import { openOutbox } from "./compose.js";
import { go, inWords, me, places, session, useTitle } from "./state.js";

/** Ask the server who is signed in. */
export async function findSession() {
  const { data } = await get("/session");
  session.tokenId = data.tokenId;
  me.set(data.user);
  if (data.user) openOutbox();
}

/** Forget who was signed in, with all that was shown to them. */
export function forget() {
  places.clear();
  session.tokenId = null;
  me.set(null);
}

/** The path to go to after signing in: one of this page's own, whatever the address says. */
export function ownPath(text) {
  try {
    const url = new URL(text || "/", location.origin);
    const isOurs = url.origin === location.origin && (url.pathname === "/" || url.pathname.startsWith("/@"));
    return isOurs && !url.searchParams.has("sign-in") && !url.searchParams.has("sign-up") ? url.pathname + url.search : "/";
  } catch {
    return "/";
  }
}

/** The form for signing in, or with `isNew` for signing up. */
export function SignIn({ isNew, next }) {
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const tried = useRef({});
  useTitle(isNew ? "Sign up" : "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    const { username, password } = Object.fromEntries(new FormData(event.target));
    setBusy(true);
    setProblem(null);
    try {
      // The same again is the same call: the first may have registered the person, and only its answer was lost.
      if (tried.current.username !== username || tried.current.password !== password)
        tried.current = { username, password, key: newKey() };
      if (isNew) await call("POST", "/session/registration", { body: { username, password }, key: tried.current.key });
      else await call("POST", "/session", { body: { username, password } });
      places.clear();
      await findSession();
      go(ownPath(next), { replace: true });
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  return html`
    <form class="sign-in" onSubmit=${submit}>
      <h1>${isNew ? "Sign up" : "Sign in"}</h1>
      <label for="username">Name</label>
      <input id="username" name="username" required maxlength="50" autocomplete="username" autocapitalize="none"
        spellcheck=${false} aria-describedby="name-help" />
      <p class="help" id="name-help">${isNew ? "Letters and digits of any script, and _ - . — it cannot be changed later." : ""}</p>
      <label for="password">Password</label>
      <input id="password" name="password" type="password" required minlength="8" maxlength="200"
        autocomplete=${isNew ? "new-password" : "current-password"} aria-describedby="password-help" />
      <p class="help" id="password-help">${isNew ? "8 characters or more. There is no way to recover it." : ""}</p>
      ${problem && html`<p role="alert" class="failure">${inWords(problem)}</p>`}
      <button type="submit" disabled=${isBusy}>${isNew ? "Sign up" : "Sign in"}</button>
      <p>${isNew ? html`Already here? <a href="/?sign-in">Sign in</a>` : html`New here? <a href="/?sign-up">Sign up</a>`}</p>
    </form>`;
}
