"""Which errors of redis-py pass by themselves, and which settings of a primary bring a warning."""

import pytest
from redis import exceptions
from redis.exceptions import ReadOnlyError, ResponseError

from microblog_streams.domain.errors import NoAnswer
from microblog_streams.stores.redis.server import Server, SlotMoving, review, unavailable


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ConnectionError("Connection closed by server."),
        exceptions.BusyLoadingError("loading"),
        exceptions.MaxConnectionsError("too many"),
        exceptions.TimeoutError("Timeout reading from host"),
        exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        exceptions.ReadOnlyError("You can't write against a read only replica."),
        exceptions.MasterDownError("Link with MASTER is down"),
        exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"),
        exceptions.ResponseError("Command # 1 (SET a b) of pipeline caused error: MISCONF Redis is configured to"),
        exceptions.ResponseError("BUSY Redis is busy running a script"),
        ConnectionResetError(104, "reset by peer"),
        TimeoutError(),
    ],
)
def test_these_are_worth_another_try(error):
    assert unavailable(error).store == "redis"


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        exceptions.ResponseError("ERR BUSYGROUP is another thing"),
        exceptions.NoScriptError("No matching script."),
        exceptions.DataError("Invalid input of type: 'NoneType'."),
        ValueError("no error of Redis"),
    ],
)
def test_these_are_not(error):
    assert unavailable(error) is None


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TryAgainError("Multiple keys request during rehashing of slot"),
        exceptions.ResponseError(
            "ERR Script attempted to access a non local key in a cluster node script: timeline_listen"
        ),
    ],
)
def test_keys_on_two_servers_are_a_slot_that_moves(error):
    assert isinstance(unavailable(error), SlotMoving)


@pytest.mark.parametrize("error", [TimeoutError(), exceptions.TimeoutError("Timeout reading from host")])
def test_a_time_out_is_silence_and_has_words(error):
    passing = unavailable(error)
    assert isinstance(passing, NoAnswer)
    assert str(passing) == "redis is unavailable: no answer in time"


@pytest.mark.parametrize(
    "error", [exceptions.ConnectionError("Connection refused."), exceptions.BusyLoadingError("loading")]
)
def test_a_refusal_is_none(error):
    assert not isinstance(unavailable(error), NoAnswer)


SAFE = {b"maxmemory-policy": b"volatile-ttl", b"appendonly": b"yes", b"appendfsync": b"everysec"}
ALONE = {b"min-replicas-to-write": b"0", b"min-replicas-max-lag": b"10"}
CAREFUL = {b"min-replicas-to-write": b"1", b"min-replicas-max-lag": b"2"}
FOLLOWED = {"connected_slaves": 1}


def server(told, **info):
    async def execute(*command):
        if command[0] != "CONFIG GET":
            return {"role": "master", **info}
        if told is None:
            raise ResponseError("unknown command")
        return {name: value for name, value in told.items() if name.decode() in command}

    return Server("", execute, None)


async def warnings(told, *, hold=2.5, clustered=False, replicated=False, **info):
    return (await review(server(told, **info), hold=hold, clustered=clustered, replicated=replicated)).warnings


async def test_a_server_without_replicas_needs_none():
    assert await warnings({**SAFE, **ALONE}) == []


@pytest.mark.parametrize("how", [{"replicated": True}, FOLLOWED])
async def test_where_a_replica_may_take_over_a_primary_must_not_write_alone(how):
    assert await warnings({**SAFE, **CAREFUL}, **how) == []
    assert await warnings({**SAFE, **ALONE}, **how) == [
        "redis: min-replicas-to-write is 0, not 1 or more",
        "redis: min-replicas-max-lag is 10, not below MICROBLOG_ACK_HOLD, which is 2.5",
    ]


async def test_the_lag_must_end_before_the_hold_does():
    assert await warnings({**SAFE, **CAREFUL}, hold=2.0, replicated=True) == [
        "redis: min-replicas-max-lag is 2, not below MICROBLOG_ACK_HOLD, which is 2"
    ]


async def test_a_hold_that_ends_before_replicas_can_tell_is_warned_of():
    [warning, _] = await warnings({**SAFE, **CAREFUL}, hold=1.0, replicated=True)
    assert warning.startswith("redis: MICROBLOG_ACK_HOLD is 1, below the 2 s")


async def test_settings_that_are_not_told_are_named():
    assert await warnings(None, replicated=True) == [
        "redis: maxmemory-policy is not known; it must be volatile-ttl or noeviction",
        "redis: appendonly is not known; it must be yes",
        "redis: appendfsync is not known; it must be everysec or always",
        "redis: min-replicas-to-write is not known; it must be 1 or more",
        "redis: min-replicas-max-lag is not known; it must be below MICROBLOG_ACK_HOLD, which is 2.5",
    ]


async def test_a_cluster_stops_by_itself_within_its_time_out_or_for_want_of_replicas():
    quick, slow = {b"cluster-node-timeout": b"2000"}, {b"cluster-node-timeout": b"15000"}
    assert await warnings({**SAFE, **ALONE, **quick}, clustered=True, **FOLLOWED) == []
    assert await warnings({**SAFE, **CAREFUL, **slow}, clustered=True, **FOLLOWED) == []
    assert await warnings({**SAFE, **ALONE, **slow}, clustered=True) == []
    assert await warnings({**SAFE, **ALONE, **slow}, clustered=True, **FOLLOWED) == [
        "redis: cluster-node-timeout is 15000, not below MICROBLOG_ACK_HOLD, which is 2500 ms; "
        "or set min-replicas-to-write to 1 and min-replicas-max-lag below it"
    ]


@pytest.mark.parametrize(
    ("told", "info", "copies"),
    [
        (ALONE, {}, 0),
        ({b"min-replicas-to-write": b"2"}, {"min_slaves_good_slaves": 2}, 2),
        ({b"min-replicas-to-write": b"2", b"min-replicas-max-lag": b"0"}, {}, 0),
        (None, {"min_slaves_good_slaves": 1}, 1),
    ],
)
async def test_as_many_copies_are_asked_for_as_the_primary_wants_before_it_writes(told, info, copies):
    found = await review(server(told, **info), hold=2.5, clustered=False, replicated=False)
    assert found.copies == copies


async def test_a_replica_is_not_reviewed():
    with pytest.raises(ReadOnlyError):
        await review(server(SAFE, role="slave"), hold=2.5, clustered=False, replicated=False)
