"""The commands: `faust -A microblog_streams <command>`. Each module has a `register(app)`."""

from typing import TYPE_CHECKING

from microblog_streams.commands import import_graph, issue_token, migrate, raise_era, rebuild, verify
from microblog_streams.dead_letters import command as dead_letters
from microblog_streams.repartition import command as grow_partitions

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp


def register(app: "MicroblogApp") -> None:
    """Declare all commands on the app."""
    for module in (migrate, import_graph, grow_partitions, dead_letters, verify, rebuild, raise_era, issue_token):
        module.register(app)
