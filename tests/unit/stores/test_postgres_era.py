"""What a session makes of the server that it finds: warnings, and an era that rises where commits may be lost."""

import pytest
from psycopg2.errors import InsufficientPrivilege, UndefinedColumn

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.models import Era
from microblog_streams.stores.postgres import era
from microblog_streams.stores.postgres.era import Server, inspect_server


class FakeSession:
    """A server with a timeline, and the row of the deployment as it was left."""

    def __init__(self, standby=False, names="", commit="on", row=(1, 77, 0, 0.0)):
        self.server = (standby, names, commit, 1, 77)
        self.row = row
        self.untold = False
        self.done = []

    async def fetch(self, statement, *params):
        self.done.append(statement)
        if statement == era._LOOK and self.untold:
            raise InsufficientPrivilege("permission denied for function pg_control_system\nHINT: …")
        if statement == era._ROW:
            if self.row is None:
                raise UndefinedColumn
            return [self.row]
        return [self.server]

    async def fetch_one(self, statement, *params):
        return (await self.fetch(statement))[0]

    async def execute(self, statement, *params):
        self.done.append(statement)
        if statement == era._RISE:
            self.row = (params[1], params[2], max(params[0], self.row[2]) + 1, 5.0)
        return 1

    async def rollback(self):
        self.done.append("ROLLBACK")


async def test_the_server_of_before_leaves_the_era_as_it_is():
    session = FakeSession(row=(1, 77, 3, 5.0))
    seen = await inspect_server(session, Era(), several_hosts=False)
    assert (seen.era, seen.warnings, seen.raised) == (Era(3, 5.0), (), False)


@pytest.mark.parametrize("row", [(2, 77, 0, 0.0), (1, 78, 0, 0.0)])
async def test_another_timeline_or_another_server_raises_it_and_leaves_ids_out(row):
    session = FakeSession(row=row)
    seen = await inspect_server(session, Era(), several_hosts=False)
    assert (seen.era, seen.raised) == (Era(1, 5.0), True)
    assert session.done.count(era._SKIP) == 3
    assert session.done[-2] == "COMMIT"


async def test_a_server_that_was_replaced_is_refused_before_anything_is_written():
    session = FakeSession()
    with pytest.raises(StoreUnavailable, match="replaced by one on a later timeline"):
        await inspect_server(session, Era(1), several_hosts=True, last=Server(77, 2))
    assert session.done == [era._LOOK]


@pytest.mark.parametrize("last", [Server(77, 1), Server(76, 9), None])
async def test_the_server_of_before_and_another_system_are_not(last):
    assert (await inspect_server(FakeSession(), Era(), several_hosts=True, last=last)).server == Server(77, 1)


async def test_an_era_that_only_this_process_knows_is_outdone():
    seen = await inspect_server(FakeSession(), Era(4), several_hosts=False)
    assert seen.era.number == 5


async def test_the_first_look_records_the_server():
    session = FakeSession(row=(None, None, 0, 0.0))
    seen = await inspect_server(session, Era(), several_hosts=False)
    assert not seen.raised
    assert session.done[-1] == era._ADOPT


async def test_before_migrate_there_is_nothing_to_raise():
    assert (await inspect_server(FakeSession(row=None), Era(2), several_hosts=False)).era == Era(2)


async def test_a_standby_is_as_good_as_away():
    with pytest.raises(StoreUnavailable, match="standby"):
        await inspect_server(FakeSession(standby=True), Era(), several_hosts=False)


async def test_a_server_that_does_not_tell_its_timeline_is_used_and_warned_of():
    session = FakeSession(row=(9, 9, 3, 5.0))
    session.untold = True
    seen = await inspect_server(session, Era(), several_hosts=False)
    assert (seen.era, seen.raised) == (Era(3, 5.0), False)
    (warning,) = seen.warnings
    assert "permission denied" in warning
    assert "raise-era" in warning
    assert "\n" not in warning


@pytest.mark.parametrize(
    ("names", "commit", "several_hosts", "words"),
    [
        ("", "on", False, []),
        ("", "on", True, ["synchronous_standby_names is empty"]),
        (" ", "on", True, ["synchronous_standby_names is empty"]),
        ("ANY 1 (b, c)", "on", True, []),
        ("ANY 1 (b, c)", "remote_apply", True, []),
        ("ANY 1 (b, c)", "local", True, ["synchronous_commit is local"]),
        ("", "local", False, []),
        ("", "off", False, ["synchronous_commit is off"]),
    ],
)
async def test_what_cannot_keep_the_promise_is_named(names, commit, several_hosts, words):
    seen = await inspect_server(FakeSession(names=names, commit=commit), Era(), several_hosts)
    assert len(seen.warnings) == len(words)
    assert all(word in line for word, line in zip(words, seen.warnings, strict=True))
