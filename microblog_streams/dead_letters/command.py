"""The command ``dead-letters``: to look at what could not be read, and to replay it after a fix, or discard it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters.actions import Order, carry_out
from microblog_streams.dead_letters.operations import DeadLetters
from microblog_streams.dead_letters.reader import letter_box
from microblog_streams.dead_letters.source_topics import source_log
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment
from microblog_streams.stores.postgres.resolved_letters import SettledLetters


def register(app: App, settings: Settings) -> None:
    """Add ``dead-letters list|show|replay|discard [ID]`` to the app's commands."""

    @app.command(
        argument("action", type=click.Choice(["list", "show", "replay", "discard"])),
        argument("ident", required=False, metavar="[ID]"),
        option("--all", "everything", is_flag=True, help="replay, discard: all that are open now."),
        option("--limit", type=click.IntRange(1, 100_000), default=100, help="list: how many, the oldest."),
        option("--json", "as_json", is_flag=True, help="list: as JSON."),
        option("--raw", is_flag=True, help="show: the value alone, as it is."),
        option("--yes", is_flag=True, help="discard: do not ask."),
    )
    async def dead_letters(self: Any, **order: Any) -> None:  # noqa: ANN401 -- Faust's own
        """List the dead letters that are open, oldest first; show, replay or discard one.

        An ID is what `list` says.
        """
        with expected_failures():
            await _command(settings, Order(**order))


async def _command(settings: Settings, order: Order) -> None:
    order.check()
    # Whatever it says at this level, the command's own line says too.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    async with _letters(settings) as letters:
        await carry_out(order, letters)


@asynccontextmanager
async def _letters(settings: Settings) -> AsyncIterator[DeadLetters]:
    postgres = Postgres(settings)
    try:
        await postgres.connect()
        async with letter_box(settings) as box, source_log(settings) as source:
            yield DeadLetters(box, SettledLetters(postgres), source, lambda: get_deployment(postgres))
    finally:
        await postgres.close()
