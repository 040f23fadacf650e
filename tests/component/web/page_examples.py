"""Makes the calls of a page of the docs, and compares the responses with the page.

Ids of posts, times, tokens, cursors, tags and limits differ from run to run: those of the page stand for those of the
answer, the same one everywhere. ``NAME=value`` sets a variable as in a shell, ``NAME=$(curl … | grep -o 'pattern')`` to
what is found in an answer; ``$NAME`` is what it was set to.
"""

import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z|mb_[\w-]{48}|(?<=cursor=)[\w-]+|(?<=W/\")[\w-]+"
    r"|(?<=;[rt]=)\d+"
)
ASSIGNMENT = re.compile(r"([A-Z]+)=([^$\s]+)")
SEARCH = re.compile(r"([A-Z]+)=\$\((curl .*) \| grep -o '(.*)'\)")
VARIABLE = re.compile(r"\$([A-Z]+)")


@dataclass(frozen=True)
class Example:
    """A command with what the page shows of its answer: status line and headers, body."""

    command: str
    head: list[str]
    body: str

    @classmethod
    def of(cls, text: str) -> "Example":
        """Read an example, from after its ``$ `` on."""
        command, _, shown = text.partition("\n")
        head, body = "", shown
        if shown.startswith("HTTP/"):
            head, _, body = shown.partition("\n\n")
        return cls(command, head.strip().splitlines(), body.strip())


@dataclass
class Reader:
    """Makes the page's calls; ``real`` is what the page's ids, times and so on are in this run."""

    client: TestClient[Any, Any]
    real: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    async def follow(self, example: Example) -> None:
        """Do what an example says, and check that it is answered so."""
        if found := ASSIGNMENT.fullmatch(example.command):
            self.variables[found[1]] = self.translate(found[2])
        elif found := SEARCH.fullmatch(example.command):
            answer = await (await self.call(found[2])).text()
            self.variables[found[1]] = "\n".join(re.findall(found[3], answer))
        else:
            await self.check(example)

    async def check(self, example: Example) -> None:
        response = await self.call(example.command)
        answered = await response.text()
        self.learn(example.body, answered)

        assert answered == self.translate(example.body), example.command
        for line in example.head[1:]:
            name, _, value = line.partition(": ")
            self.learn(value, response.headers[name])
            assert response.headers[name] == self.translate(value), example.command
        if example.head:
            assert example.head[0] == f"HTTP/1.1 {response.status} {response.reason}", example.command

    def learn(self, shown: str, answered: str) -> None:
        for on_page, here in zip(VARYING.findall(shown), VARYING.findall(answered), strict=True):
            self.real.setdefault(on_page, here)

    def translate(self, text: str) -> str:
        return VARYING.sub(lambda found: self.real.get(found.group(), found.group()), text)

    async def call(self, command: str) -> ClientResponse:
        command = VARIABLE.sub(lambda found: self.variables[found[1]], self.translate(command))
        words = iter(shlex.split(command)[1:])
        method, headers, data, path = None, {}, None, ""
        for word in words:
            if word == "-X":
                method = next(words)
            elif word == "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            elif word == "-d":
                data = next(words)
            elif word == "-sw":
                next(words)  # what is printed after the answer
            elif word not in ("-i", "-s"):
                path = word.removeprefix("localhost:6066")
        return await self.client.request(method or ("POST" if data else "GET"), path, data=data, headers=headers)
