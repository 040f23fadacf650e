"""The address of Cassandra, and which errors of its driver pass by themselves."""

import pytest
from cassandra import (
    AuthenticationFailed,
    ConsistencyLevel,
    InvalidRequest,
    OperationTimedOut,
    Unauthorized,
    Unavailable,
    UnresolvableContactPoints,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionShutdown
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import OverloadedErrorMessage, ServerError
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.stores.cassandra.driver import MAX_SPECULATIONS, Address, _profile, at_start, unavailable

OUT_OF_REPLICAS = Unavailable("not enough", ConsistencyLevel.LOCAL_QUORUM, required_replicas=2, alive_replicas=1)


def settings(url):
    return Settings(cassandra_url=SecretStr(url))


def test_an_address_names_hosts_port_and_keyspace():
    address = Address.of(settings("cassandra://10.0.0.1,10.0.0.2:9043/posts_2"))
    assert (address.places, address.keyspace) == ([("10.0.0.1", 9043), ("10.0.0.2", 9043)], "posts_2")
    assert address.login is None


def test_an_address_has_a_login_and_a_usual_port():
    address = Address.of(settings("cassandra://web:p%40ss%3A@db/posts"))
    assert address.places == [("db", 9042)]
    assert (address.login.username, address.login.password) == ("web", "p@ss:")


@pytest.mark.parametrize(
    "keyspace", ["", "/", "/Posts", "/1posts", "/a-b", "/a/b", "/posts%3Bdrop", "/posts%20with", "/" + "a" * 49]
)
def test_a_keyspace_that_cql_would_have_to_quote_is_refused(keyspace):
    with pytest.raises(SetupError, match="MICROBLOG_CASSANDRA_URL: the path must name a keyspace"):
        Address.of(settings(f"cassandra://db:9042{keyspace}"))


@pytest.mark.parametrize(
    "error",
    [
        NoHostAvailable("Unable to connect", {"db:9042": ConnectionRefusedError(111, "refused")}),
        NoHostAvailable("Unable to complete the operation", {}),
        NoHostAvailable("Unable to connect to any servers using keyspace", ["db"]),
        OperationTimedOut(),
        OUT_OF_REPLICAS,
        WriteTimeout("timed out", write_type=0),
        ConnectionShutdown("defunct"),
        ConnectionBusy("overloaded"),
        NoConnectionsAvailable("all busy"),
        OverloadedErrorMessage(0x1001, "overloaded", None),
        ServerError(0, "oops", None),
        UnresolvableContactPoints({}),
        TimeoutError(),
    ],
)
def test_these_are_worth_another_try(error):
    passing = unavailable(error)
    assert passing.store == "cassandra"
    assert passing.reason
    assert "\n" not in str(passing)


@pytest.mark.parametrize("error", [InvalidRequest("no such table"), Unauthorized("no"), ValueError("ours")])
def test_these_are_not(error):
    assert unavailable(error) is None


def test_the_reason_is_what_the_first_host_said():
    error = NoHostAvailable("Unable to connect", {"db:9042": NoHostAvailable("again", {"db": OperationTimedOut()})})
    assert unavailable(error).reason == "no host answers: no host answers: no answer in time"


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationFailed("Bad credentials"),
        NoHostAvailable("Unable to connect", {"a:9042": OSError("gone"), "b:9042": AuthenticationFailed("Bad")}),
    ],
)
def test_a_refused_login_is_not_tried_again(error):
    assert isinstance(at_start(error), SetupError)
    assert "refuses the login in MICROBLOG_CASSANDRA_URL: Bad" in str(at_start(error))


def test_a_missing_table_says_what_to_run():
    told = at_start(InvalidRequest('message="table posts_by_id does not exist"'))
    assert isinstance(told, SetupError)
    assert "posts_by_id does not exist" in str(told)
    assert "run `faust -A microblog_streams migrate`" in str(told)


def test_anything_else_at_the_start_is_waited_for():
    assert isinstance(at_start(OUT_OF_REPLICAS), StoreUnavailable)


def test_too_few_replicas_are_told_by_their_number():
    assert str(unavailable(OUT_OF_REPLICAS)) == (
        "cassandra is unavailable: LOCAL_QUORUM needs 2 replicas, and 1 can be reached"
    )


def test_a_node_that_is_silent_is_overtaken_before_the_time_out():
    plan = _profile("ONE", timeout=2.0).speculative_execution_policy.new_plan("posts", None)
    waits = [plan.next_execution(None) for _ in range(MAX_SPECULATIONS + 1)]
    assert waits == [0.5, 0.5, -1]
