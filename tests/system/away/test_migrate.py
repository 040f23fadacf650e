"""Setting a deployment up, by several at once and again: each thing is made once, and no run fails."""

import pytest

from tests.support.live.command import Command
from tests.support.live.stack import running_stack

MADE = {"001_people.sql", "table microblog.posts_by_id", "post.created"}


@pytest.fixture(scope="module")
def stack():
    """A stack on which nothing was made yet."""
    with running_stack() as running:
        yield running


@pytest.fixture
def migrated_by(stack):
    """Migrates by so many at once; gives how each ended, and what they told."""

    def migrate(count):
        commands = [Command(stack, "migrate") for _ in range(count)]
        return [command.ended() for command in commands], commands[0].told()

    return migrate


def test_two_may_migrate_at_once_and_everybody_again(migrated_by):
    statuses, told = migrated_by(3)
    assert statuses == [0, 0, 0], told
    assert {name for name in MADE if name in told} == MADE
    assert told.count("001_people.sql") == 1

    statuses, again = migrated_by(1)
    assert statuses == [0]
    assert again.removeprefix(told).count("up to date") == 3
