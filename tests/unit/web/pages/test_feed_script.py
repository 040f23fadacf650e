"""What a list does where its newest page cannot be read: after a reset nothing else tells what was missed."""

import json

import pytest

#: Shows a list with the post 1, and tells it a reset; the calls after that are answered by ``answers``, at last with
#: the posts 2 and 1. A timer that is set runs at once. Prints what waits behind the pill, and the timers' seconds.
RUN = """
import {{ List }} from "./feed.js";
Math.random = () => 0;
const seconds = [];
let waiting = 0;
const turn = setImmediate;
globalThis.setTimeout = (call, ms) => {{
  seconds.push(ms / 1000);
  waiting++;
  turn(() => {{
    waiting--;
    call();
  }});
}};
const found = (...ids) => new Response(JSON.stringify(ids.map((postId) => ({{ postId, userId: 2 }}))));
const refused = ([status, after]) =>
  new Response("{{}}", {{ status, headers: after === null ? {{}} : {{ "Retry-After": String(after) }} }});
let answers = [found("1")];
globalThis.fetch = async () => {{
  const answer = answers.shift() || found("2", "1");
  if (answer === "none") throw new TypeError("fetch failed");
  return answer;
}};
const list = new List("/timelines/1");
if ({shown}) list.changed = () => {{}};
await list.refresh();
answers = {answers}.map((answer) => answer === null ? "none" : refused(answer));
list.told({{ event: "reset", data: {{}} }});
do await new Promise((done) => turn(done)); while (list.isBusy || waiting);
console.log(JSON.stringify({{ fresh: list.fresh.map((post) => post.postId), seconds }}));
process.exit();
"""


@pytest.fixture
def after_reset(run_script):
    def run(*answers, shown=True):
        return run_script(RUN.format(answers=json.dumps(answers), shown=json.dumps(shown)), feed="List")

    return run


@pytest.mark.parametrize("failure", [(503, 2), (429, 7), (502, None), None], ids=str)
def test_it_is_read_again_until_it_was_read(after_reset, failure):
    outcome = after_reset(failure, failure)

    assert outcome["fresh"] == ["2"]
    assert outcome["seconds"] == [max(5, failure[1] or 0) if failure else 5] * 2


def test_what_will_not_pass_is_not_repeated(after_reset):
    assert after_reset((403, None)) == {"fresh": [], "seconds": []}


def test_a_list_that_is_not_shown_waits_until_it_is(after_reset):
    """Its component reads it when it is shown again."""
    assert after_reset((503, 2), shown=False) == {"fresh": [], "seconds": []}
