"""The command ``issue-token``: a token for a user without token and password, such as those of an imported graph.

It needs access to the database, with which one can read and write everything anyway. It prints only the token, so that
a shell can capture it.
"""

from datetime import timedelta
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.common import connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.operations.tokens import Tokens
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.credentials import Tokens as TokenStore

#: Default name of the token.
DEFAULT_NAME: Final = "issue-token"


def register(app: App, settings: Settings) -> None:
    """Add ``issue-token USER [--name TEXT]`` to the app's commands."""

    @app.command(
        argument("user", type=click.IntRange(1)),
        option("--name", default=DEFAULT_NAME, help="Name of the token in the user's list of tokens."),
    )
    async def issue_token(self: Any, user: int, name: str) -> None:  # noqa: ANN401 -- Faust's own
        """Issue a token for a user (by id), and print it: it cannot be shown again."""
        with expected_failures():
            print(await _issue(settings, user, name))


async def _issue(settings: Settings, user: int, name: str) -> str:
    postgres = Postgres(settings)
    async with connected(postgres):
        tokens = Tokens(TokenStore(postgres), timedelta(days=settings.token_days))
        return (await tokens.issue(user, name)).secret.get_secret_value()
