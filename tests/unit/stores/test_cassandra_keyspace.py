"""The schema files of the post store can be run again and again."""

from unittest.mock import Mock

import pytest
from cassandra import Unauthorized

from microblog_streams.stores.cassandra.keyspace import _make_keyspace, statements

TABLES = ["posts_by_id", "posts_by_author"]


def test_there_are_the_tables_of_the_posts():
    assert [statement.split()[5] for statement in statements() if statement.startswith("CREATE")] == TABLES


@pytest.mark.parametrize("statement", list(statements()))
def test_every_statement_is_safe_to_repeat(statement):
    """What is there is not made again, and what is as it is to be is not changed."""
    assert statement.startswith(("CREATE TABLE IF NOT EXISTS ", "ALTER TABLE "))


@pytest.mark.parametrize("table", TABLES)
def test_a_replica_that_hangs_is_not_waited_for(table):
    assert f"ALTER TABLE {table} WITH speculative_retry = 'MIN(99p,50ms)'" in list(statements())


@pytest.mark.parametrize("statement", list(statements()))
def test_comments_are_left_out(statement):
    assert "--" not in statement


class TestMakeKeyspace:
    """The keyspace is made without a look: another run's row is there before the node knows the keyspace."""

    @pytest.fixture
    def session(self):
        return Mock()

    def test_nothing_is_asked_before_the_statement_that_makes_it(self, session):
        _make_keyspace(session, None, "posts", 1)
        (statement,) = session.execute.call_args_list
        assert statement.args[0].startswith("CREATE KEYSPACE IF NOT EXISTS posts ")

    def test_a_role_without_that_right_uses_the_one_that_is_there(self, session):
        session.execute.side_effect = [Unauthorized("no CREATE"), [("posts",)]]
        _make_keyspace(session, None, "posts", 1)

    def test_without_that_right_a_missing_one_is_an_error(self, session):
        session.execute.side_effect = [Unauthorized("no CREATE"), []]
        with pytest.raises(Unauthorized):
            _make_keyspace(session, None, "posts", 1)
