"""Exit statuses and error messages of the command line."""

import asyncio
import os
import signal
import sys

import pytest
from aiohttp.web import Response

from tests.support.waiting import DEADLINE_SECONDS


async def test_a_server_error_is_one_line_and_exit_status_1(microblog):
    await microblog("register", "dora")

    refused = await microblog("post", " ")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "Error: content: is empty\n"


async def test_an_unknown_user_is_named(microblog):
    await microblog("register", "dora")

    by_name = await microblog("follow", "zoe")
    by_id = await microblog("follow", "4711")

    assert (by_name.exit_code, by_name.stderr) == (1, "Error: there is no user named zoe\n")
    assert (by_id.exit_code, by_id.stderr) == (1, "Error: There is no user 4711.\n")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["tokens"],
        ["post"],
        ["delete", "x"],
        ["timeline", "--limit", "0"],
        ["timeline", "--limit", "x"],
        ["--url", "localhost:6066", "whoami"],
        ["--url", ",", "whoami"],
    ],
)
async def test_a_wrong_call_is_status_2(microblog, words):
    wrong = await microblog(*words)

    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "Usage: " in wrong.stderr


async def test_an_unreachable_server_is_named(microblog, lonely):
    result = await microblog("--patience", "0.3", "posts", "1", at=lonely)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {lonely} cannot be reached")
    assert result.stderr.count("\n") == 1


async def test_what_a_server_says_of_an_error_is_not_obeyed(microblog, serve):
    async def answer(request):
        return Response(status=400, text='{"type": "/problems/invalid", "detail": "\\u001b[2Jbad\\nworse"}')

    result = await microblog("posts", "1", at=await serve(answer))

    assert result.stderr == "Error: [2Jbad worse\n"


@pytest.mark.parametrize("word", ["9" * 5000, "\x1b", "\udcff", "a b", ""])
async def test_a_strange_name_is_no_traceback(microblog, word):
    result = await microblog("posts", word)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: username: ")


async def start(url, *words):
    """Start the command as a process of its own, with pipes."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "microblog_streams.cli",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "MICROBLOG_URL": url},
    )


async def test_ctrl_c_ends_a_watch_without_a_word(front, url, home, microblog):
    await microblog("register", "dora")
    watching = await start(url, "watch", "--every", "0.5")
    async with asyncio.timeout(DEADLINE_SECONDS):
        writing = asyncio.create_task(keep_writing(front))
        await watching.stdout.readline()  # it runs, and what it says is seen at once
        writing.cancel()
        watching.send_signal(signal.SIGINT)
        _, said = await watching.communicate()

    assert watching.returncode == 130
    assert said.strip() == b""


async def test_a_reader_that_leaves_is_no_error_to_see(front, url, home, microblog):
    await microblog("register", "dora")
    watching = await start(url, "watch", "--every", "0.5")
    async with asyncio.timeout(DEADLINE_SECONDS):
        writing = asyncio.create_task(keep_writing(front))
        await watching.stdout.readline()
        watching._transport.get_pipe_transport(1).close()
        said = await watching.stderr.read()
        await watching.wait()
        writing.cancel()

    assert watching.returncode == 1
    assert said.strip() == b""


async def at_a_terminal(url, *words):
    """Run the command where its output is a terminal; return what that shows."""
    ours, theirs = os.openpty()
    environment = {**os.environ, "MICROBLOG_URL": url, "COLUMNS": "120", "TERM": "xterm", "TZ": "UTC"}
    command = [sys.executable, "-m", "microblog_streams.cli", *words]
    running = await asyncio.create_subprocess_exec(*command, stdout=theirs, stderr=theirs, env=environment)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await running.wait()
    os.close(theirs)
    shown = os.read(ours, 4096)
    os.close(ours)
    return shown.decode()


async def test_at_a_terminal_lists_are_tables(front, url, home, microblog):
    await microblog("register", "dora")
    await microblog("post", "[red]Hello[/red]")

    shown = await at_a_terminal(url, "timeline")

    assert "author" in shown
    assert "[red]Hello[/red]" in shown
    assert "\t" not in shown


async def test_at_a_terminal_a_wait_shows_its_reason(home, lonely):
    shown = await at_a_terminal(lonely, "--patience", "1", "posts", "1")

    assert f"Still trying: {lonely} cannot be reached" in shown
    assert f"Error: {lonely} cannot be reached" in shown


async def keep_writing(front):
    """Write a post every so often, until cancelled."""
    while True:
        await front.app.operations.posts.create(4, "hello")
        await asyncio.sleep(0.2)
