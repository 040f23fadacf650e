"""The agents: three lines around an operation each. ``delivery`` makes them safe, ``operations`` make them useful."""

from typing import TYPE_CHECKING

from agents import deletions, fan_out, follows

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp


def register(app: "MicroblogApp") -> None:
    """Declare all agents on the app."""
    for module in (fan_out, follows, deletions):
        module.register(app)
