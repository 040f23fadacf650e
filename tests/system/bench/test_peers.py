"""The load of ``make peers`` on a server of the original contract, which is another program with other answers."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.peers import play
from benchmarks.peers.contract import Server, Unfit
from benchmarks.peers.crew import Crew, Side
from benchmarks.peers.play import Round
from benchmarks.report import RESULTS
from tests.support.fakes.original import original

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def server():
    async with original() as running:
        yield running


@pytest.fixture
def one_round(server):
    """A round of 12 authors and 12 readers, played by two processes."""
    side = Side([Server.at(server.urls)], {"itself": os.getpid()})
    return Round(side, Crew(processes=2, clients=8), authors=12, seconds=0.2)


async def run(*arguments):
    """Run the command; return its status, and what it printed on both outputs."""
    pipe, environment = asyncio.subprocess.PIPE, {**os.environ, "QUICK": "1"}
    command = [sys.executable, "-m", "benchmarks.peers", *arguments]
    done = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)
    printed, told = await done.communicate()
    return done.returncode, printed.decode(), told.decode()


async def test_users_register_follow_post_and_read(server, one_round):
    figures = await one_round.figures()

    counts = {name: step["count"] for name, step in figures.items()}
    assert {**counts, "read": counts["read"] > 0} == {
        "registered": 24,
        "followed": 120,
        "accepted": 120,
        "delivered": 120,
        "read": True,
    }
    assert len(set(server.people)) == 24
    assert all(len(followers) == 10 for followers in server.followers.values())
    assert all(step["ended"] > step["begun"] and step["cpu"]["itself"] >= 0 for step in figures.values())


async def test_delivery_time_is_measured_from_the_first_post_to_the_last_poll(one_round):
    figures = await one_round.figures()
    assert figures["delivered"]["begun"] == figures["accepted"]["begun"]
    assert figures["delivered"]["ended"] > figures["accepted"]["ended"]


async def test_the_command_writes_figures_and_table(server):
    status, printed, told = await run("--only-target", "--target", *server.urls)

    assert status == 0, told
    assert "| posts accepted and delivered to 10 followers each |" in printed
    assert json.loads((RESULTS / "peers-quick.json").read_text())["sides"].keys() == {"target"}


@pytest.mark.parametrize(
    ("call", "answer", "told"),
    [
        (("POST", "users"), (500, "broken"), r"POST \S+/users/ was answered with 500: broken"),
        (("GET", "users"), (200, '[{"name": "ann"}]'), r"GET \S+/users/\S* was not answered with an array of users"),
        (("GET", "users"), (200, '[{"id": [1]}]'), "users whose id is a number or a text"),
        (("GET", "users"), (200, "<h1>Hello</h1>"), "each with an id: <h1>Hello"),
        (("GET", "users"), (200, "[]"), "lacks 24 who registered: p"),
        (("POST", "posts"), (404, ""), r"POST \S+/posts/ was answered with 404: nothing"),
        (("GET", "timelines"), (200, '{"posts": []}'), r"GET \S+/timelines/\d+\?limit=100 was not answered"),
        (("GET", "timelines"), (200, '[{"text": ""}]'), "an array of posts, each with its content"),
    ],
)
async def test_an_undocumented_response_is_reported_with_its_call(server, one_round, call, answer, told):
    server.spoilt[call] = answer
    with pytest.raises(Unfit, match=told):
        await one_round.figures()


async def test_follows_without_effect_are_reported(server, one_round, monkeypatch):
    monkeypatch.setattr(play, "TRY", 0.1)
    monkeypatch.setattr(play, "TRIES", 2)
    server.lost = "hello"
    with pytest.raises(Unfit, match="120 of 120 follows had no effect within 0 s"):
        await one_round.figures()


async def test_posts_that_do_not_arrive_are_counted(server, one_round, monkeypatch):
    monkeypatch.setattr(play, "ARRIVE", 0.1)
    server.lost = " 3 of "
    with pytest.raises(Unfit, match="120 of 1,200 deliveries were not there after 0 s"):
        await one_round.figures()


async def test_an_unreachable_server_ends_the_command_with_one_line(server, unused_tcp_port):
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    status, _, told = await run("--only-target", "--target", nowhere, *server.urls[1:])

    assert status == 3
    assert f"POST {nowhere}/users/ was not answered" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only-target"], "needs a --target"),
        (["--target", "localhost:6066"], "is no URL of a server"),
        (["--target", "http://a", "http://b"], "2 URLs"),
        (["--authors", "9"], "--authors must be 10 or more"),
    ],
)
async def test_a_wrong_command_line_is_reported(arguments, told):
    status, _, error = await run(*arguments)
    assert status == 3
    assert told in error
