"""The command ``raise-era``: after a restore of PostgreSQL that the workers cannot notice by themselves."""

from typing import Any

from faust import App

from microblog_streams.commands.common import ProgressBars, caught_up, connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment


def register(app: App, settings: Settings, known_era: int) -> None:
    """Add ``raise-era`` to the app's commands; ``known_era`` is the deployment's when the process started."""

    @app.command()
    async def raise_era(self: Any) -> None:  # noqa: ANN401 -- Faust's command object
        """After a restore of PostgreSQL: make its edges win over newer ones that it has lost.

        Waits until the workers have compared their tables with PostgreSQL. They go on if it is interrupted.
        """
        with expected_failures():
            await _raise(settings, known_era)


async def _raise(settings: Settings, known_era: int) -> None:
    postgres = Postgres(settings, known_era)
    async with connected(postgres):
        await get_deployment(postgres)
        era = await postgres.raise_era()
        with ProgressBars() as progress:
            progress.step("waiting for the workers to compare their tables")
            await caught_up(settings, postgres).wait()
    print(f"era {era.number}: the workers' tables are as PostgreSQL says")
