"""Which errors of redis-py pass by themselves."""

import pytest
from redis import exceptions

from microblog_streams.domain.errors import NoAnswer
from microblog_streams.stores.redis.server import unavailable


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
