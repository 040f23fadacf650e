"""The application with workers that cache a valid token for two seconds, and store its last use as soon.

As delivered it is half a minute and up to two. Run with ``faust -A`` in place of the package.
"""

from microblog_streams.operations import tokens
from microblog_streams.services import periodic_tasks

# Before the application is made.
tokens.GOOD_SECONDS = 2.0  # type: ignore[misc]
periodic_tasks.LONGEST_PAUSE_SECONDS = 2.0  # type: ignore[misc]

from tests.support.live.probe import app  # noqa: E402

__all__ = ["app"]
