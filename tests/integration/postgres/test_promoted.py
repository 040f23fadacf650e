"""A standby was promoted without the last commits: the era rises by itself, and what was lost is found and ended."""

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.local.options import load_local_settings
from microblog_streams.local.ports import HOST
from microblog_streams.local.postgres import Postgres as Server
from microblog_streams.local.stack import Stack
from microblog_streams.services import outbox_relay
from microblog_streams.services.outbox_relay import OutboxRelay
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits, create_deployment, get_deployment
from microblog_streams.stores.postgres.era import SKIPPED_IDS
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.migrations import migrate
from microblog_streams.stores.postgres.outbox import OutboxSession
from microblog_streams.stores.postgres.users import Users
from tests.support.contracts.events import register
from tests.support.fakes.log import FakeLog
from tests.support.servers.postgres_standby import add_standby, promote, run, wait_for_replica
from tests.support.waiting import PATIENT_SECONDS, until

NOW = datetime(2026, 5, 17, tzinfo=UTC)
#: The first version of the second era.
FIRST = (1 << 40) + 1


@pytest.fixture
def servers(tmp_path):
    """PostgreSQL and its standby, as a stack of their own."""
    tmp_path.chmod(0o755)
    with Stack(tmp_path / "data", load_local_settings(), parts=(Server,)) as stack:
        add_standby(stack)
        yield stack


def patient(servers, **changes):
    """Settings that lead to the primary, with changes, and wait for a busy machine."""
    return servers.settings.model_copy(update={"store_timeout": PATIENT_SECONDS, **changes})


@pytest.fixture
async def postgres(servers):
    """Our connection, which knows both hosts."""
    ports = [servers.parts[name].port for name in ("postgres", "standby")]
    url = servers.settings.postgres_url.get_secret_value()
    both = url.replace(f"{HOST}:{ports[0]}", f"{HOST}:{ports[0]},{HOST}:{ports[1]}")
    postgres = Postgres(patient(servers, postgres_url=SecretStr(both)))
    await postgres.connect()
    await migrate(postgres)
    await create_deployment(postgres, 8)
    yield postgres
    await postgres.close()


@pytest.fixture
def cut_off(servers):
    """Has the standby miss what comes from now on."""

    def cut():
        wait_for_replica(servers.parts["postgres"])
        servers.parts["standby"].stop()

    return cut


@pytest.fixture
def fail_over(servers, postgres):
    """Ends the primary, and has the standby take its place."""

    async def fail():
        servers.kill("postgres")
        await asyncio.to_thread(servers.restart, "standby")
        await asyncio.to_thread(promote, servers.parts["standby"])
        await until(lambda: answers(postgres))

    return fail


async def answers(postgres):
    try:
        await postgres.check_server()
    except StoreUnavailable:
        return False
    return True


async def test_changes_after_a_promotion_win_over_lost_ones(postgres, cut_off, fail_over):
    users, follows = Users(postgres), Follows(postgres)
    ann, bob = await register(users, 2)
    await follows.set(ann, bob, True, NOW)
    assert (await get_deployment(postgres)).era == 0
    cut_off()
    for following in (False, True, False, True):
        lost = await follows.set(ann, bob, following, NOW)
    (gone,) = await register(users, 1)

    await fail_over()

    deployment = await get_deployment(postgres)
    assert (deployment.era, deployment.audit) == (1, 1)
    ended = await follows.set(ann, bob, False, NOW)
    assert ended.version >= FIRST > lost.version
    (new,) = await register(users, 1)
    assert new >= gone + SKIPPED_IDS - 100


async def test_edges_only_in_the_log_are_ended_and_the_others_republished(postgres, cut_off, fail_over):
    users, follows = Users(postgres), Follows(postgres)
    ann, bob, eve = await register(users, 3)
    kept = await follows.set(ann, bob, True, NOW)
    cut_off()
    made = await follows.set(eve, bob, True, NOW)
    ended = await follows.set(ann, bob, False, NOW)
    unchanged = await follows.set(bob, ann, False, NOW)
    await fail_over()

    assert await follows.correct([made, ended, unchanged]) == 2
    assert await follows.correct([made, ended]) == 0

    edges = {(edge.follower, edge.followee): edge for edge in await follows.edges_page((0, 0), 10)}
    assert (edges[eve, bob].following, edges[eve, bob].version) == (False, FIRST)
    assert (edges[ann, bob].following, edges[ann, bob].version) == (kept.following, FIRST)


async def test_a_lost_deletion_is_repeated(postgres, cut_off, fail_over):
    users = Users(postgres)
    ann, bob = await register(users, 2)
    cut_off()
    at = datetime.now(UTC)
    await users.delete(ann, at)
    await fail_over()
    assert list(await users.get_many([ann, bob])) == [ann, bob]

    assert await users.delete_again(ann, at)
    assert not await users.delete_again(ann, at)
    assert not await users.delete_again(bob, NOW)

    assert list(await users.get_many([ann, bob])) == [bob]


async def test_the_relay_keeps_an_event_that_reuses_a_lost_id(postgres, cut_off, fail_over, monkeypatch):
    for name in ("PING_SECONDS", "LEASE_SECONDS"):
        monkeypatch.setattr(outbox_relay, name, 600.0)  # the leader learns of it when it removes, and not before
    users, follows, log = Users(postgres), Follows(postgres), FakeLog()
    people = await register(users, 4)
    cut_off()
    await follows.set(people[0], people[1], True, NOW)
    log.open.clear()
    async with OutboxRelay(log, lambda: OutboxSession(postgres)):
        await until(lambda: log.begun == 1)
        await fail_over()
        await postgres.execute("ALTER SEQUENCE outbox_id_seq RESTART")
        await follows.set(people[2], people[3], True, NOW)
        log.open.set()

        await until(lambda: len(log.events) > 1)

    assert [event.key for event in log.events] == [person.to_bytes(8, "big") for person in (people[1], people[3])]


async def test_a_missing_synchronous_standby_gives_a_warning(postgres, servers):
    assert [line for line in postgres.warnings if "synchronous_standby_names is empty" in line]
    run(servers.parts["postgres"], "ALTER SYSTEM SET synchronous_standby_names = '*'")
    run(servers.parts["postgres"], "SELECT pg_reload_conf()")

    async def silent():
        await postgres.check_server()
        return not postgres.warnings

    await until(silent)


async def test_a_read_only_server_is_unavailable(servers, postgres):
    url = servers.parts["standby"].urls()["MICROBLOG_POSTGRES_URL"]
    wait_for_replica(servers.parts["postgres"])
    alone = Postgres(patient(servers, postgres_url=SecretStr(url)))

    with pytest.raises(StoreUnavailable, match="the server is a standby"):
        await alone.connect()


async def test_an_unprivileged_user_sees_it_too_and_many_sessions_raise_one_era(servers, postgres):
    server = servers.parts["postgres"]
    run(server, "CREATE ROLE plain LOGIN PASSWORD 'plain' IN ROLE pg_read_all_data, pg_write_all_data")
    run(server, "GRANT UPDATE ON ALL SEQUENCES IN SCHEMA public TO plain")
    await postgres.execute("UPDATE deployment SET timeline = 17")
    url = servers.settings.postgres_url.get_secret_value()
    plain = SecretStr(url.replace(url.split("//")[1].split("@")[0], "plain:plain"))
    others = [Postgres(patient(servers, postgres_url=plain)) for _ in range(5)]

    await asyncio.gather(*(other.connect() for other in others))

    assert (await get_deployment(postgres)).era == 1
    assert {other.era.number for other in others} == {1}
    for other in others:
        await other.close()


async def test_a_process_that_knows_a_later_era_raises_it(servers, postgres):
    """A disk was put back to where it was: the timeline is the same."""
    ahead = Postgres(patient(servers), era=7)
    await ahead.connect()
    assert ahead.era.number == (await get_deployment(postgres)).era == 8
    await ahead.close()


async def test_an_operator_can_raise_the_era_and_audits_are_recorded(postgres):
    audits = EdgeAudits(postgres)
    assert await audits.complete(await get_deployment(postgres))

    assert (await postgres.raise_era()).number == 1

    deployment = await get_deployment(postgres)
    assert (deployment.era, deployment.audit) == (1, 1)
    for partition in range(8):
        assert not await audits.complete(deployment)
        await audits.record(1, partition, 1)
    assert await audits.complete(deployment)
    await audits.ask()
    assert not await audits.complete(await get_deployment(postgres))
