"""Which posts a list shows: no page that belongs to what was cleared, and one's own new post only where it belongs."""

import json

import pytest

#: Asks for an older page, shows what is new with a gap meanwhile, and gets the answers in this order.
CROSSED = """
import { List } from "./feed.js";
const asked = [];
globalThis.fetch = (path) => new Promise((done) => asked.push({ path, done }));
const turn = () => new Promise((done) => setImmediate(done));
const answer = async ({ done }, ids, next) => {
  const headers = next ? { Link: `<${next}>; rel="next"` } : {};
  done(new Response(JSON.stringify(ids.map((postId) => ({ postId, userId: 2 }))), { headers }));
  for (let turns = 0; turns < 10; turns++) await turn();
};
const list = new List("/timelines/1");
list.refresh();
await answer(asked[0], ["12", "11"], "/older-than-11");
list.loadMore();
list.hasGap = true;
list.showFresh();
const [, older, newest] = asked;
for (const [call, ...page] of ORDER) await answer(call, ...page);
console.log(JSON.stringify({ shown: list.items.map((post) => post.postId), next: list.next }));
process.exit();
"""
OLDER, NEWEST = '[older, ["10"], "/older-than-10"]', '[newest, ["92", "91"], "/older-than-91"]'
SENT = """
import { found } from "./document.js";
import { html, render } from "./preact-htm.js";
import { me } from "./state.js";
import { sent } from "./compose.js";
import { Feed } from "./feed.js";
const createdAt = "2026-01-01T00:00:00Z";
const post = (postId, userId) => ({ postId, userId, username: "name", content: `post ${postId}`, createdAt });
globalThis.fetch = async () => new Response(JSON.stringify([post("1", 2)]));
me.set({ id: 1, username: "ann" });
render(html`<${Feed} path=${PATH} label="" empty="" />`, document.body);
await found(() => sent.listeners.size && document.body.text.includes("post 1"));
sent.tell(post("2", 1));
me.set({ id: 1, username: "ann" });
await new Promise((done) => setTimeout(done));
console.log(JSON.stringify(document.body.text.includes("post 2")));
process.exit();
"""


@pytest.mark.parametrize("order", [(OLDER, NEWEST), (NEWEST, OLDER)], ids=["older-first", "newest-first"])
def test_an_older_page_that_was_asked_for_before_a_list_began_anew_leaves_no_gap(run_script, order):
    outcome = run_script(CROSSED.replace("ORDER", f"[{', '.join(order)}]"), feed="List")

    assert outcome == {"shown": ["92", "91"], "next": "/older-than-91"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/timelines/1", True),
        ("/timelines/public", True),
        ("/users/1/posts", True),
        ("/users/2/posts", False),
        ("/search/posts?q=tea", False),
    ],
)
def test_a_post_of_ones_own_appears_where_it_belongs(run_script, path, shown):
    """Its answer may come when another view is shown already."""
    assert run_script(SENT.replace("PATH", json.dumps(path))) == shown
