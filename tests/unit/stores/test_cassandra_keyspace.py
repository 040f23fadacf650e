"""The schema files of the post store can be run again and again."""

import pytest

from microblog_streams.stores.cassandra.keyspace import statements

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
