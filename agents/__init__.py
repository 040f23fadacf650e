"""The agents: three lines around an operation each. ``delivery`` makes them safe, ``operations`` make them useful."""

from agents import deletions, fan_out, follows
from agents.application import Application


def register(app: Application) -> None:
    """Declare all agents on the app."""
    for module in (fan_out, follows, deletions):
        module.register(app)
