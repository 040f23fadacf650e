"""The heap is frozen when a worker has started; the command line has no base of commands among the commands."""

import gc

from faust.cli.base import cli

from microblog_streams.bootstrap.faust_app import LoggedCommand, freeze_heap


def test_objects_of_the_start_are_exempt_from_garbage_collection():
    made_at_the_start = [object()]
    assert any(each is made_at_the_start for each in gc.get_objects())
    freeze_heap()
    assert not any(each is made_at_the_start for each in gc.get_objects())


def test_only_what_can_be_run_is_a_command():
    """Faust registers each class of commands that does not say that it is a base."""
    assert LoggedCommand.__name__.lower() not in cli.commands
