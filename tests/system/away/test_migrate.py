"""Setting a deployment up, by several at once and again: each thing is made once, and no run fails."""

from tests.support.live.command import run_command

MADE = {"001_people.sql", "table microblog.posts_by_id", "post.created"}


def test_several_may_migrate_at_once_and_again(migrated):
    """Several did at once: the fixture, which has seen that each ended well."""
    told = (migrated.stack.data_dir / "logs" / "migrate.log").read_text()
    assert {name for name in MADE if name in told} == MADE
    assert told.count("001_people.sql") == 1

    status, again, errors = run_command(migrated.environment, "migrate")
    assert status == 0, errors
    assert again.count(b"up to date") == 3
