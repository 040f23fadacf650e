"""README.md: the first requests are made, and their responses must be as it shows."""

import re
from pathlib import Path

from tests.component.web.page_examples import Example, Reader

README = (Path(__file__).parents[3] / "README.md").read_text()


def examples():
    """Return each call of the section with what it shows."""
    section = README.partition("## First requests")[2].partition("\n## ")[0]
    indented = re.sub(r"^    ", "", section, flags=re.MULTILINE)
    return [Example.of(text) for text in re.split(r"^\$ ", indented, flags=re.MULTILINE)[1:]]


async def test_the_first_requests_are_answered_as_they_say(make_front):
    front = await make_front(names=(), auth="required")
    reader = Reader(front.client)
    assert len(examples()) == 5

    for example in examples():
        front.app.timelines.lists.clear()  # no agents here: a cold timeline is put together on reading
        await reader.follow(example)
