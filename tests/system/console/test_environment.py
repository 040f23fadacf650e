"""The command line as a process on any console, with any input, and without a home directory: never a traceback."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import DEADLINE_SECONDS

FULL = Path("/dev/full")
EMOJI = "Grüße \U0001f600"


@dataclass
class Ended:
    """How a process ended."""

    status: int
    out: bytes
    err: str


@pytest.fixture
def process(url, home):
    """Runs the command as a process of its own, in an environment of its own."""

    async def run(*words, stdin=b"", out=asyncio.subprocess.PIPE, **environment):
        command = [sys.executable, "-m", "microblog_streams.cli", *words]
        given = {"PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(home), "MICROBLOG_URL": url, **environment}
        known = {name: value for name, value in given.items() if value is not None}
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=out, stderr=pipe, env=known)
        async with asyncio.timeout(DEADLINE_SECONDS):
            told, complaint = await child.communicate(stdin)
        return Ended(child.returncode, told or b"", complaint.decode("utf-8", "backslashreplace"))

    return run


def in_one_line(ended):
    return ended.status == 1 and ended.err.startswith("Error: ") and ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("encoding", "shown"), [("latin-1", "Grüße ?".encode("latin-1")), ("ascii", b"Gr"), ("cp1252", b"Gr\xfc\xdfe ?")]
)
async def test_characters_unknown_to_the_console_are_replaced(process, microblog, encoding, shown):
    await microblog("register", "dora")
    await microblog("post", EMOJI)
    ended = await process("posts", PYTHONIOENCODING=encoding)
    assert (ended.status, ended.err) == (0, "")
    assert shown in ended.out


async def test_a_name_unprintable_on_the_console_is_reported_escaped(process):
    ended = await process("follow", "\u4f60\u597d", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert in_one_line(ended)


async def test_stdin_that_is_no_utf_8_is_one_line(process, microblog):
    await microblog("register", "dora")
    ended = await process("post", "-", stdin="Grüße".encode("latin-1"))
    assert in_one_line(ended)
    assert "stdin is not UTF-8 text: byte 3 is 0xfc" in ended.err


async def test_a_byte_order_mark_on_stdin_is_no_text(process, microblog, front):
    await microblog("register", "dora")
    assert (await process("post", "-", stdin=b"\xef\xbb\xbfHello\n")).status == 0
    assert b"\tHello\t" in (await process("posts")).out


@pytest.fixture
def homeless(tmp_path):
    """What makes a home unknown: no variable, and a user id that the system's list does not have."""
    hook = tmp_path / "sitecustomize.py"
    hook.write_text("import pwd\n\ndef unknown(uid):\n    raise KeyError(uid)\n\npwd.getpwuid = unknown\n")
    return {"XDG_CONFIG_HOME": None, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}


async def test_a_user_without_a_home_reads_and_acts_by_a_token(process, microblog, homeless):
    await microblog("register", "dora")
    assert (await process("posts", "dora", **homeless)).status == 0
    acting = await process("whoami", **homeless, MICROBLOG_AS="dora", MICROBLOG_TOKEN="mb_x")
    assert (acting.status, acting.err) == (0, "")


async def test_a_user_without_a_home_is_told_what_to_do_to_store_a_token(process, homeless):
    ended = await process("register", "dora", **homeless)
    assert in_one_line(ended)
    assert "set HOME or XDG_CONFIG_HOME" in ended.err


@pytest.mark.skipif(not FULL.exists(), reason="a device of Linux")
async def test_output_that_cannot_be_written_is_one_line(process, microblog):
    await microblog("register", "dora")
    await microblog("post", "Hello")
    full = os.open(FULL, os.O_WRONLY)
    try:
        ended = await process("posts", out=full)
    finally:
        os.close(full)
    assert in_one_line(ended)
    assert "No space left on device" in ended.err
