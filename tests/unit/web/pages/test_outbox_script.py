"""What is kept of posts that are not sent yet: in the browser, for their author, whatever other tabs and people do."""

import json

import pytest

#: Signs in user 1, and gives the script a store and a server that answers when ``answer`` is called for a content.
BEGIN = """
import { me } from "./state.js";
import { openOutbox, outbox, send } from "./compose.js";
const store = new Map();
globalThis.localStorage = {
  getItem: (name) => store.get(name) ?? null,
  setItem: (name, value) => store.set(name, value),
  removeItem: (name) => store.delete(name),
};
const asked = {};
globalThis.fetch = (path, { body }) => new Promise((done) => { asked[JSON.parse(body).content] = done; });
const turn = () => new Promise((done) => setImmediate(done));
const createdAt = "2026-01-01T00:00:00Z";
const entry = (content, author = 1) => ({ key: `key of ${content}`, content, createdAt, author });
const answer = async (content, status) => {
  while (!asked[content]) await turn();
  asked[content](new Response(JSON.stringify({ postId: content, detail: "No." }), { status }));
};
const keptFor = (user) => JSON.parse(store.get(`outbox ${user}`) || "[]").map(({ content }) => content);
me.set({ id: 1, username: "ann" });
openOutbox();
"""
TWO_TABS = """
const other = await import("./compose.js?other");
other.openOutbox();
const failing = send(entry("fails"));
await answer("fails", 400);
await failing;
const during = other.send(entry("under way"));
const both = keptFor(1);
await answer("under way", 201);
await during;
console.log(JSON.stringify({ both, after: keptFor(1) }));
"""
ANOTHER_PERSON = """
store.set("outbox 2", JSON.stringify([entry("of bob", 2)]));
const sending = send(entry("of ann"));
me.set({ id: 2, username: "bob" });
openOutbox();
await answer("of ann", STATUS);
await sending;
const shown = outbox.current.map(({ content }) => content);
console.log(JSON.stringify({ ann: keptFor(1), bob: keptFor(2), shown }));
"""
DISCARDED = """
const failing = send(entry("fails"));
await answer("fails", 400);
await failing;
discard(outbox.current[0]);
console.log(JSON.stringify(keptFor(1)));
"""


@pytest.fixture
def after(run_script):
    def run(script):
        return run_script(f"{BEGIN}{script}process.exit();", compose="send, discard")

    return run


def test_a_post_that_failed_in_one_tab_is_kept_beside_those_of_another(after):
    assert after(TWO_TABS) == {"both": ["under way", "fails"], "after": ["fails"]}


@pytest.mark.parametrize(("status", "left"), [(400, ["of ann"]), (201, [])])
def test_a_post_under_way_is_its_authors_after_another_person_signed_in(after, status, left):
    outcome = after(ANOTHER_PERSON.replace("STATUS", json.dumps(status)))

    assert outcome == {"ann": left, "bob": ["of bob"], "shown": ["of bob"]}


def test_a_post_that_is_discarded_is_not_kept(after):
    assert after(DISCARDED.replace("discard(", '(await import("./compose.js")).discard(')) == []
