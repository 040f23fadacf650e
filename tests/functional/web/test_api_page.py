"""docs/api.md: every call on the page is made, and must be answered as the page says.

Ids of posts, times, cursors and what is left of a limit differ from run to run: those of the page stand for those of
the answer, the same one everywhere.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from microblog_streams.limiting import Limiting
from web import problems, routes
from web.problems import CONTENT_TYPE

#: The page speaks of the limits that hold unless they are set.
LIMITS = {name: field.default for name, field in Limiting.model_fields.items()}
PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=cursor=)[\w-]+|(?<=;[rt]=)\d+")


@dataclass
class Reader:
    """Makes the page's calls; ``real`` is what the page's ids, times and cursors are in this run."""

    client: object
    real: dict[str, str] = field(default_factory=dict)

    def learn(self, shown, answered):
        for on_page, here in zip(VARYING.findall(shown), VARYING.findall(answered), strict=True):
            self.real.setdefault(on_page, here)

    def translate(self, text):
        return VARYING.sub(lambda found: self.real.get(found.group(), found.group()), text)

    async def call(self, command):
        words = iter(shlex.split(self.translate(command))[1:])
        method, headers, data, path = None, {}, None, None
        for word in words:
            if word == "-X":
                method = next(words)
            elif word == "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            elif word == "-d":
                data = next(words)
            elif word != "-i":
                path = word.removeprefix("localhost:6066")
        return await self.client.request(method or ("POST" if data else "GET"), path, data=data, headers=headers)


def examples():
    """Return each call of the page with what it shows: command, status line and headers, body."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for example in block.split("$ ")[1:]:
            command, _, shown = example.partition("\n")
            head, body = ("", shown)
            if shown.startswith("HTTP/"):
                head, _, body = shown.partition("\n\n")
            found.append((command, head.strip().splitlines(), body.strip()))
    return found


async def test_every_call_of_the_page_is_answered_as_it_says(make_front):
    front = await make_front(names=(), **LIMITS)
    reader = Reader(front.client)
    assert len(examples()) > 10

    for command, head, body in examples():
        front.app.timelines.lists.clear()  # no agents here: a cold timeline is put together on reading
        response = await reader.call(command)
        answered = await response.text()
        reader.learn(body, answered)

        assert answered == reader.translate(body), command
        for line in head[1:]:
            name, _, value = line.partition(": ")
            reader.learn(value, response.headers[name])
            assert response.headers[name] == reader.translate(value), command
        if head:
            assert head[0] == f"HTTP/1.1 {response.status} {response.reason}"


def test_the_page_names_every_type_of_problem():
    slugs = {kind.slug for _, kind in problems._KINDS} | {"internal", "unknown-path"}

    assert {slug for slug in slugs if f"`/problems/{slug}`" not in PAGE} == set()
    assert CONTENT_TYPE in PAGE


def test_the_page_names_every_path():
    nouns = {path.strip("/").split("/")[-1] for path in routes.PATHS if not path.endswith("}")}

    assert {noun for noun in nouns if f"/{noun}" not in PAGE} == set()
