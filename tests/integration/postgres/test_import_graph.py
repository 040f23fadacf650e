"""Importing a graph: the edges and their events, once each, also when it is interrupted."""

import asyncio
import os
from datetime import UTC, datetime

import pytest

from microblog_streams.commands.import_graph import import_graph
from microblog_streams.config.settings import PREFIX
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.topics import USER_FOLLOW
from microblog_streams.stores.postgres.connection import Lock, transaction
from tests.support.contracts.events import edge_event, waiting
from tests.support.live.command import run_command
from tests.support.waiting import PATIENT_SECONDS, until

NOW = datetime(2026, 5, 17, tzinfo=UTC)
EDGES = {(a, b) for a in range(12) for b in range(12) if (a + b) % 5 == 1 and a != b}


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "graph.txt"
    lines = [f"{follower}\t{followee}" for follower, followee in sorted(EDGES)]
    path.write_text("\n".join(["# a comment", *lines, lines[0], "not an edge", "3 3", ""]))
    return path


@pytest.fixture
def command(tmp_path, migrated_settings):
    """Runs the command as a process; gives exit status, standard output and error output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = {
        **kept,
        f"{PREFIX}POSTGRES_URL": migrated_settings.postgres_url.get_secret_value(),
        f"{PREFIX}DATA_DIR": str(tmp_path),
    }

    def run(*arguments):
        status, said, errors = run_command(
            environment, "import-graph", *map(str, arguments), app="tests.support.live.importing"
        )
        return status, said.decode(), errors.decode()

    return run


async def stored(postgres):
    names = {user: int(name[1:]) for user, name in await postgres.fetch("SELECT id, username FROM users")}
    rows = await postgres.fetch("SELECT follower_id, followee_id FROM follows WHERE following")
    return {(names[follower], names[followee]) for follower, followee in rows}


async def test_every_edge_is_there_with_its_event(postgres, follows, outbox, graph):
    result = await import_graph(postgres, graph, batch=7)

    assert await stored(postgres) == EDGES
    assert (result.people, result.follows, result.bad_lines.count) == (12, len(EDGES), 2)
    edges = await follows.edges_page((0, 0), 1000)
    told = [edge_event(record) for record in await waiting(outbox)]
    assert len(told) == len(EDGES)
    assert {event.topic for event in told} == {USER_FOLLOW}
    assert {(event.follower, event.followee, event.version) for event in told} == {
        (edge.follower, edge.followee, edge.version) for edge in edges
    }
    assert {edge.version for edge in edges} == {1}


async def test_ids_of_users_have_no_gaps(postgres, users, graph):
    await import_graph(postgres, graph, batch=3)

    assert [user.id for user in await users.page(0, 100)] == list(range(1, 13))


async def test_an_interrupted_import_resumes_where_it_stopped(postgres, outbox, graph):
    def stop_later(done, total):
        if done > 10:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await import_graph(postgres, graph, batch=5, progress=stop_later)
    before = len(await waiting(outbox))

    result = await import_graph(postgres, graph, batch=5)

    assert 0 < before < len(EDGES)
    assert result.follows == len(EDGES) - before
    assert result.resumed_after > 10
    assert "resumed after line" in str(result)
    assert await stored(postgres) == EDGES
    assert len(await waiting(outbox)) == len(EDGES)


async def test_a_second_import_adds_nothing(postgres, outbox, graph):
    await import_graph(postgres, graph)

    again = await import_graph(postgres, graph)

    assert (again.people, again.follows) == (0, 0)
    assert len(await waiting(outbox)) == len(EDGES)


async def test_follows_made_by_users_stay(postgres, users, follows, outbox, tmp_path):
    ada, bob = await users.create("n1", "n1"), await users.create("n2", "n2")
    await follows.set(ada.id, bob.id, True, NOW)
    await follows.set(ada.id, bob.id, False, NOW)
    path = tmp_path / "graph.txt"
    path.write_text("1 2\n2 1\n")

    result = await import_graph(postgres, path)

    assert (result.people, result.follows) == (0, 1)
    assert await stored(postgres) == {(2, 1)}
    assert len(await waiting(outbox)) == 3


async def test_no_edge_is_written_across_a_block(postgres, users, blocks, outbox, tmp_path):
    one, two = await users.create("n1", "n1"), await users.create("n2", "n2")
    await blocks.block(one.id, two.id, NOW)
    path = tmp_path / "graph.txt"
    path.write_text("1 2\n2 1\n1 3\n")

    result = await import_graph(postgres, path)

    assert (result.people, result.follows) == (1, 1)
    assert await stored(postgres) == {(1, 3)}
    assert len(await waiting(outbox)) == 1


async def test_a_user_who_is_deleted_while_a_batch_is_written_is_registered_again(postgres, users, tmp_path):
    one = await users.create("n1", "n1")
    path = tmp_path / "graph.txt"
    path.write_text("1 2\n")

    async def import_waits():
        waits = "datname = current_database() AND wait_event_type = 'Lock'"
        return await postgres.fetch(f"SELECT FROM pg_stat_activity WHERE {waits}")

    async with postgres.dedicated(PATIENT_SECONDS) as session:
        async with transaction(session):
            await session.execute("UPDATE users SET deleted_at = now() WHERE id = %s", one.id)
            importing = asyncio.create_task(import_graph(postgres, path))
            await until(import_waits)
        result = await importing

    assert (result.people, result.follows) == (2, 1)
    assert await postgres.fetch("SELECT FROM follows WHERE follower_id = %s", one.id) == []
    assert await stored(postgres) == {(1, 2)}


async def test_a_fraction_is_an_import_of_its_own(postgres, graph):
    half = await import_graph(postgres, graph, fraction=0.5)
    among_the_first = {edge for edge in EDGES if max(edge) < 6}
    assert await stored(postgres) == among_the_first
    assert half.follows == len(among_the_first)

    rest = await import_graph(postgres, graph)

    assert await stored(postgres) == EDGES
    assert rest.follows == len(EDGES) - len(among_the_first)


async def test_progress_ends_at_the_last_line(postgres, graph):
    steps = []

    await import_graph(postgres, graph, batch=10, progress=lambda done, total: steps.append((done, total)))

    lines = len(graph.read_text().splitlines())
    assert steps[-1] == (lines, lines)
    assert steps == sorted(steps)


async def test_two_imports_do_not_take_turns(postgres, graph):
    async with postgres.dedicated(10) as other:
        await other.execute("SELECT pg_advisory_lock(%s)", int(Lock.IMPORT))

        with pytest.raises(SetupError, match="another import"):
            await import_graph(postgres, graph)


async def test_the_command_imports_and_reports_its_counts(postgres, command, graph):
    status, said, errors = command(graph)

    assert status == 0
    assert f"12 people and {len(EDGES)} follows added" in said
    assert "2 bad lines" in said
    last = len(graph.read_text().splitlines())
    assert f"line {last - 1}: expected two node numbers\nline {last}: node 3 follows itself" in errors
    assert await stored(postgres) == EDGES


async def test_a_failing_command_prints_one_line(postgres, command, tmp_path):
    status, said, errors = command(tmp_path / "nothing.txt")

    assert status == 3
    assert errors.strip() == f"microblog: {tmp_path}/nothing.txt: No such file or directory"
    assert said.strip() == ""
