// What arrives while people read: server-sent events, one stream for all tabs of a browser.
//
// A browser allows six connections to a server over HTTP/1.1, so the tabs agree on one that reads the stream (Web Locks)
// and tells the others (BroadcastChannel). The id of the last event is told too: who takes over goes on from there. The
// stream is read with fetch and not with EventSource, which hides the status of a refusal and cannot go on from an id.
/** After this long without a byte, heartbeats included, a stream is taken for dead. */
const SILENCE_SECONDS = 45;
const MAX_PAUSE_SECONDS = 30;
/** A hidden tab gives the stream up after this long. */
const HIDDEN_SECONDS = 60;

/**
 * Follow a timeline. `told` gets {event, data} for each event, and {event: "state", data} with "live", "reconnecting" or
 * "unavailable" (the server has no stream: poll). Returns a function that ends it.
 */
export function follow(path, told) {
  const end = new AbortController();
  const channel = new BroadcastChannel(`live ${path}`);
  const shared = { lastId: "", state: null };
  const tell = (message) => {
    if (end.signal.aborted || message.event === "hello") return;
    if (message.id) shared.lastId = message.id;
    told(message);
  };
  channel.onmessage = ({ data }) => {
    if (data.event === "hello" && shared.state) channel.postMessage({ ...shared.state, id: shared.lastId });
    tell(data);
  };
  channel.postMessage({ event: "hello" });
  const lead = async (signal) => {
    const share = (message) => {
      if (message.event === "state") shared.state = message;
      tell(message);
      if (!end.signal.aborted) channel.postMessage(message);
    };
    await read(path, shared, share, signal);
    shared.state = null;
  };
  takeTurns(path, lead, end.signal, () => tell({ event: "reset", data: {} }));
  return () => {
    end.abort();
    channel.close();
  };
}

/** Hold the lock and lead while the tab is seen; after a long time out of sight, let another tab lead. */
async function takeTurns(path, lead, signal, resumed) {
  while (!signal.aborted) {
    const turn = new AbortController();
    const stop = () => turn.abort();
    signal.addEventListener("abort", stop, { once: true });
    let timer = 0;
    const watch = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(stop, HIDDEN_SECONDS * 1000);
    };
    document.addEventListener("visibilitychange", watch);
    watch();
    try {
      await locked(`live ${path}`, turn.signal, () => lead(turn.signal));
    } finally {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", watch);
      signal.removeEventListener("abort", stop);
    }
    if (document.hidden && !signal.aborted) {
      await seen(signal);
      resumed();
    }
  }
}

/** Run while holding the lock; without Web Locks (a page that was not sent safely) each tab leads for itself. */
async function locked(name, signal, run) {
  if (!navigator.locks) return run();
  try {
    return await navigator.locks.request(name, { signal }, run);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    return undefined;
  }
}

/** Wait until the tab is seen, or the signal. */
const seen = (signal) =>
  new Promise((done) => {
    const over = new AbortController();
    const check = () => {
      if (document.hidden && !signal.aborted) return;
      over.abort();
      done();
    };
    document.addEventListener("visibilitychange", check, { signal: over.signal });
    signal.addEventListener("abort", check, { signal: over.signal });
    check();
  });

/** Read the stream, again and again after it breaks, until the signal or a refusal that will not change. */
async function read(path, shared, share, signal) {
  for (let failures = 0; !signal.aborted; failures++) {
    const outcome = await once(path, shared, share, signal);
    if (signal.aborted) return;
    if (outcome.refused) {
      share({ event: "state", data: "unavailable" });
      return new Promise((done) => signal.addEventListener("abort", done, { once: true }));
    }
    if (outcome.opened) failures = 0;
    share({ event: "state", data: "reconnecting" });
    await waited(pause(failures, outcome.retryAfterSeconds), signal);
  }
}

/** Seconds until the next attempt: doubling, with chance in it, so that a restart brings no herd. */
const pause = (failures, least) => Math.max(least, Math.min(MAX_PAUSE_SECONDS, 2 ** failures) * (0.5 + Math.random()));

/** Wait so long, or until the signal, or until the browser is online again. */
const waited = (seconds, signal) =>
  new Promise((done) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      done();
    };
    const timer = setTimeout(end, seconds * 1000);
    signal.addEventListener("abort", end, { signal: over.signal });
    if (!navigator.onLine) addEventListener("online", end, { signal: over.signal });
  });

async function once(path, shared, share, signal) {
  const outcome = { opened: false, refused: false, retryAfterSeconds: 0 };
  const silence = new AbortController();
  let timer = 0;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_SECONDS * 1000);
  };
  try {
    const headers = { Accept: "text/event-stream", ...(shared.lastId && { "Last-Event-ID": shared.lastId }) };
    const either = AbortSignal.any([signal, silence.signal]);
    alive();
    const response = await fetch(path, { headers, signal: either, cache: "no-store" });
    outcome.retryAfterSeconds = Number(response.headers.get("Retry-After")) || 0;
    outcome.refused = [400, 401, 403, 404, 405].includes(response.status);
    if (!response.ok || !response.body) return outcome;
    outcome.opened = true;
    share({ event: "state", data: "live" });
    await parse(response.body, share, alive);
  } catch {
    // A broken connection: the caller tries again.
  } finally {
    clearTimeout(timer);
  }
  return outcome;
}

/** Call `share` for each event of the stream, as the HTML standard parses it. */
async function parse(body, share, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const message = event(block);
      if (message) share(message);
    }
  }
}

function event(block) {
  const fields = { event: "message", data: "", id: "" };
  for (const line of block.split(/\r?\n/)) {
    // "s": a dot is no line break of Unicode otherwise, and a post may have them.
    const [, name, value] = /^(\w*):? ?(.*)$/s.exec(line) || [];
    if (name && name in fields) fields[name] = name === "data" && fields.data ? `${fields.data}\n${value}` : value;
  }
  if (!fields.data) return null;
  try {
    return { ...fields, data: JSON.parse(fields.data) };
  } catch {
    return null;
  }
}
