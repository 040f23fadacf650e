"""The command line as a process at a terminal or a pipe: how it ends, and what it shows."""

import asyncio
import os
import signal
import sys

from tests.support.waiting import DEADLINE_SECONDS


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
