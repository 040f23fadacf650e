"""The commands: `faust -A microblog_streams <command>`. Each module has a `register` function."""

from faust import App

from microblog_streams.commands import (
    dead_letters,
    grow_partitions,
    import_graph,
    issue_token,
    migrate,
    moderate,
    raise_era,
    rebuild,
    search,
    verify,
)
from microblog_streams.config.settings import Settings


def register(app: App, settings: Settings, known_era: int) -> None:
    """Declare all commands on the app; ``known_era`` is the deployment's when the process started."""
    for module in (
        migrate,
        import_graph,
        grow_partitions,
        dead_letters,
        verify,
        rebuild,
        search,
        issue_token,
        moderate,
    ):
        module.register(app, settings)
    raise_era.register(app, settings, known_era)
