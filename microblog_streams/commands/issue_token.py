"""The command ``issue-token``: a token for somebody who has neither one nor a password, as all who were imported.

Whoever can run it reaches the database anyway. It prints the token alone, so that a shell can take it.
"""

from datetime import timedelta
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.connected import connected
from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.operations.tokens import Tokens
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.credentials import Tokens as TokenStore

#: What such a token is called unless it is given a name.
NAME: Final = "issue-token"


def register(app: App, settings: Settings) -> None:
    """Add ``issue-token USER [--name TEXT]`` to the app's commands."""

    @app.command(
        argument("user", type=click.IntRange(1)),
        option("--name", default=NAME, help="What the token is called in its owner's list."),
    )
    async def issue_token(self: Any, user: int, name: str) -> None:  # noqa: ANN401 -- Faust's own
        """Give a user (by id) a token, and print it, this once."""
        with expected_failures():
            print(await _issue(settings, user, name))


async def _issue(settings: Settings, user: int, name: str) -> str:
    postgres = Postgres(settings)
    async with connected(postgres):
        tokens = Tokens(TokenStore(postgres), timedelta(days=settings.token_days))
        return (await tokens.issue(user, name)).secret.get_secret_value()
