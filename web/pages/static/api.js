// Calls of the API. The session is a cookie, so no token is ever in a script's hands.

/** An answer that is a problem document, or none at all (`status` 0: the server was not reached). */
export class Problem extends Error {
  constructor(status, document, retryAfterSeconds) {
    super(document.detail || "The server did not answer. Check your connection.");
    this.status = status;
    this.type = document.type || "";
    this.requestId = document.requestId || "";
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether the same call may succeed later: a write has its Idempotency-Key. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Called without arguments when a call was not authenticated: the session is over, if there was one. */
export const ended = { notify: () => {} };

/** Make a call. Returns the response with its parsed body as `data` (null for an empty one). Throws Problem. */
export async function call(method, path, { body, key, signal, keepalive } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const options = { method, headers, signal, keepalive, cache: "no-cache", credentials: "same-origin" };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response, data;
  try {
    response = await fetch(path, options);
    data = await parsed(response); // an answer that ends in its middle is none
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {});
  }
  if (response.ok) return { data, headers: response.headers, status: response.status };
  if (response.status === 401) ended.notify();
  throw new Problem(response.status, data || {}, Number(response.headers.get("Retry-After")) || 0);
}

export const get = (path, options) => call("GET", path, options);

/** A page of a list: its items, the path of the next page (or null), and whether posts may be missing in it. */
export async function page(path, options) {
  const { data, headers } = await get(path, options);
  return { items: data, next: next(headers.get("Link")), isIncomplete: headers.get("Timeline-State") === "incomplete" };
}

/** Make a call until it is answered, at most four times, a second and more apart. Throws Problem. */
export async function repeat(method, path, options) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(method, path, options);
    } catch (problem) {
      if (!problem.isTransient || problem.status === 429 || attempt === 4) throw problem;
      await seconds(Math.max(problem.retryAfterSeconds || 0, attempt));
    }
  }
}

/** A new Idempotency-Key. */
export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));

async function parsed(response) {
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function next(link) {
  for (const part of (link || "").split(", ")) {
    const found = /^<([^>]+)>; rel="next"$/.exec(part);
    if (found) return found[1];
  }
  return null;
}
