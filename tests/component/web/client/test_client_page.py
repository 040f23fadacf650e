"""docs/client.md: every command and every line of Python on the page is run, and must do what the page says.

Ids of posts and times differ from run to run: those of the page stand for those of the run, the same one everywhere.
"""

import ast
import contextlib
import doctest
import inspect
import io
import re
import shlex
import sys
import types
from pathlib import Path

import pytest

from microblog_streams.cli.__main__ import cli

PAGE = (Path(__file__).parents[4] / "docs" / "client.md").read_text()
URL = "http://localhost:6066"
VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z")


def blocks():
    """Return the page's blocks of console and of Python, in order: language and text."""
    return re.findall(r"```(console|python)\n(.*?)```", PAGE, re.DOTALL)


def commands(block):
    """Return each command of a block, with what the page shows of it."""
    return [example.partition("\n")[::2] for example in block.split("$ ")[1:]]


def same(shown, written):
    """Return whether the output is what the page shows, apart from what differs from run to run."""
    return VARYING.sub("*", shown.strip()) == VARYING.sub("*", written.strip())


async def run_command(microblog, command):
    words = shlex.split(command.removesuffix(" | cat").removesuffix("; echo $?"))
    result = await microblog(*words[1:])
    return result.output + (f"{result.exit_code}\n" if command.endswith("$?") else "")


async def run_python(source, names):
    """Run what ``python -m asyncio`` would; return what it would show."""
    code = compile(source, "docs/client.md", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        result = types.FunctionType(code, names)()
        if inspect.iscoroutine(result):
            await result
    return shown.getvalue()


@pytest.fixture
def displayed(monkeypatch):
    monkeypatch.setattr(sys, "displayhook", lambda value: value is None or print(repr(value)))


@pytest.mark.parametrize("auth", ["required", "open"])
async def test_the_page_does_what_it_says(make_front, microblog, displayed, auth):
    front = await make_front(names=(), auth=auth)
    here = str(front.client.make_url("")).rstrip("/")
    names = {}

    for language, block in blocks():
        front.app.timelines.lists.clear()  # no agents here: a cold timeline is put together on reading
        if language == "console":
            await check_commands(front, block, lambda *words: microblog(*words, at=here))
        else:
            await check_python(block.replace(URL, here), names)
    await names["client"].close()


async def check_commands(front, block, microblog):
    for command, shown in commands(block):
        front.app.timelines.lists.clear()
        written = await run_command(microblog, command)
        assert same(shown, written), f"{command}: {written}"


async def check_python(block, names):
    for example in doctest.DocTestParser().get_examples(block):
        assert await run_python(example.source, names) == example.want, example.source


def test_the_page_has_examples_of_both():
    assert {language for language, _ in blocks()} == {"console", "python"}


def test_the_page_names_every_command():
    assert {name for name in cli.commands if not re.search(rf"`{name}[ `]", PAGE)} == set()
