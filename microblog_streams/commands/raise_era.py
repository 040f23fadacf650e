"""The command ``raise-era``: after a restore of PostgreSQL that no worker can notice by itself."""

from typing import Any

from faust import App

from microblog_streams.commands.connected import connected
from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.commands.progress_bar import ProgressSteps
from microblog_streams.config.settings import Settings
from microblog_streams.kafka.consumer_lag import offsets
from microblog_streams.services.caught_up import CaughtUp
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits, get_deployment
from microblog_streams.stores.postgres.outbox import Outbox


def register(app: App, settings: Settings, known_era: int) -> None:
    """Add ``raise-era`` to the app's commands; ``known_era`` is the deployment's when the process started."""

    @app.command()
    async def raise_era(self: Any) -> None:  # noqa: ANN401 -- Faust's command object
        """Have what PostgreSQL says outweigh all that it has lost; for after a restore.

        Waits until the workers have compared their tables with it. Interrupted, it has worked: they go on.
        """
        with expected_failures():
            await _raise(settings, known_era)


async def _raise(settings: Settings, known: int) -> None:
    postgres = Postgres(settings, known)
    audits = EdgeAudits(postgres)
    caught_up = CaughtUp(Outbox(postgres), lambda: get_deployment(postgres), lambda: offsets(settings), audits.complete)
    async with connected(postgres):
        await get_deployment(postgres)
        era = await postgres.raise_era()
        with ProgressSteps() as steps:
            steps.step("waiting for the workers, who compare their tables")
            await caught_up.wait()
    print(f"era {era.number}: the workers' tables are as PostgreSQL says")
