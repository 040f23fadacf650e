"""The commands: `faust -A microblog_streams <command>`. Each module has a `register` function."""

from faust import App

from microblog_streams.commands import import_graph, issue_token, migrate, raise_era, rebuild, verify
from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters import command as dead_letters
from microblog_streams.repartition import command as grow_partitions


def register(app: App, settings: Settings, known_era: int) -> None:
    """Declare all commands on the app; ``known_era`` is the deployment's when the process started."""
    for module in (migrate, import_graph, grow_partitions, dead_letters, verify, rebuild, issue_token):
        module.register(app, settings)
    raise_era.register(app, settings, known_era)
