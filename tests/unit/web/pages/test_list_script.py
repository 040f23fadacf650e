"""Which posts a list shows: no page that belongs to what was cleared."""

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


@pytest.mark.parametrize("order", [(OLDER, NEWEST), (NEWEST, OLDER)], ids=["older-first", "newest-first"])
def test_an_older_page_that_was_asked_for_before_a_list_began_anew_leaves_no_gap(run_script, order):
    outcome = run_script(CROSSED.replace("ORDER", f"[{', '.join(order)}]"), feed="List")

    assert outcome == {"shown": ["92", "91"], "next": "/older-than-91"}
