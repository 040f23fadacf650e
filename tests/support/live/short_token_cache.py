"""The application with workers that cache a valid token for two seconds, in place of half a minute.

Run with ``faust -A`` in place of the package.
"""

from microblog_streams.operations import tokens

# Before the application is made.
tokens.GOOD_SECONDS = 2.0  # type: ignore[misc]

from tests.support.live.probe import app  # noqa: E402

__all__ = ["app"]
