"""The agents: each passes the events of its topics to one operation; ``delivery.deliver`` is their loop."""

from agents import deletions, fan_out, follows, profiles
from agents.application import Application
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.operations import Operations


def register(app: Application, pool: ProcessorPool, operations: Operations) -> None:
    """Declare all agents on the app."""
    for module in (fan_out, follows, deletions, profiles):
        module.register(app, pool, operations)
