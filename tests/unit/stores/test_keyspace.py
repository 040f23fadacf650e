"""The schema files of the post store can be run again and again."""

import pytest

from microblog_streams.stores.keyspace import statements


def test_there_are_the_tables_of_the_posts():
    assert [statement.split()[5] for statement in statements()] == ["posts_by_id", "posts_by_author"]


@pytest.mark.parametrize("statement", list(statements()))
def test_every_statement_is_safe_to_repeat(statement):
    assert "IF NOT EXISTS" in statement


@pytest.mark.parametrize("statement", list(statements()))
def test_comments_are_left_out(statement):
    assert "--" not in statement
