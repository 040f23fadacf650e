"""What the page's script makes of a stream, in Node: its own, or the one that Playwright brings."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from web.pages.static_files import files

#: Gives the script one stream, and prints what it tells; what it needs of a browser is here.
RUN = """
import {{ follow }} from "./live.js";
globalThis.document = {{ hidden: false, addEventListener() {{}}, removeEventListener() {{}} }};
Object.defineProperty(globalThis, "navigator", {{ value: {{ onLine: true }}, configurable: true }});
globalThis.fetch = async () => new Response({stream});
const told = [];
follow("/timelines/1/live", (message) => {{
  if (message.data !== "reconnecting") return told.push(message);
  console.log(JSON.stringify(told));
  process.exit();
}});
"""


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        playwright = pytest.importorskip("playwright", reason="neither Node nor Playwright is installed")
        found = str(Path(playwright.__file__).parent / "driver" / "node")
    return found


@pytest.fixture
def told(node, tmp_path):
    """What the script tells of a stream: events and their data."""

    def run(stream):
        for name in ("live.js", "api.js"):
            (tmp_path / name).write_bytes(files()[name].body)
        (tmp_path / "run.mjs").write_text(RUN.format(stream=json.dumps(stream)))
        (tmp_path / "package.json").write_text('{"type": "module"}')
        printed = subprocess.run([node, "run.mjs"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
        return [(each["event"], each["data"]) for each in json.loads(printed.stdout) if each["event"] != "state"]

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
