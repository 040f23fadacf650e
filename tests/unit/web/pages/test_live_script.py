"""What the page's script makes of a stream."""

import json

import pytest

#: Gives the script one stream, and prints what it tells.
RUN = """
import {{ follow }} from "./live.js";
globalThis.fetch = async () => new Response({stream});
const told = [];
follow("/timelines/1/live", (message) => {{
  if (message.data !== "reconnecting") return told.push(message);
  console.log(JSON.stringify(told));
  process.exit();
}});
"""


@pytest.fixture
def told(run_script):
    """What the script tells of a stream: events and their data."""

    def run(stream):
        told = run_script(RUN.format(stream=json.dumps(stream)))
        return [(each["event"], each["data"]) for each in told if each["event"] != "state"]

    return run


def stream_of(*contents):
    return "retry: 1000\n\n" + "".join(
        f"event: post\nid: {number}-0\ndata: {json.dumps({'content': content}, ensure_ascii=False)}\n\n"
        for number, content in enumerate(contents)
    )


def test_a_post_with_any_line_break_is_told(told):
    """JSON leaves those of Unicode as they are, and they end no line of a stream."""
    contents = ["before", *(f"one{end}two" for end in "\n\x85\u2028\u2029"), "after"]

    assert told(stream_of(*contents)) == [("post", {"content": content}) for content in contents]
