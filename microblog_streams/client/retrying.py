"""Repeats calls that failed for a reason that may pass.

There is no I/O here: sending, clock, sleep and randomness are arguments.

A call is repeated if no response came, or one of 429, 502, 503 and 504. Repeating is safe: every POST has an
Idempotency-Key, and all other calls are idempotent. Other refusals are final. Workers are tried in turn; there is a
pause after each round of all workers, and after each response with ``Retry-After``.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from microblog_streams.client.errors import (
    ApiError,
    ClientError,
    ErrorCallback,
    NotFound,
    TooManyRequests,
    Unreachable,
    error_for,
    ignore_error,
)
from microblog_streams.client.models import Request, Response

#: Upper bounds of the random pause: after the first round, and after any round.
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 5.0
#: Statuses after which a call is repeated.
RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})
#: The last round after which the pause doubles; without a bound the power would overflow.
_LAST_DOUBLING: Final = 16

#: Sends a request to a base URL, with a timeout in seconds. Raises Unreachable.
Send = Callable[[str, Request, float], Awaitable[Response]]


@dataclass
class Retrying:
    """Repeats a call until it succeeds, is refused, or the time is up."""

    send: Send
    #: Base URLs of workers.
    urls: Sequence[str]
    #: Seconds for a call with all its attempts and pauses.
    total_timeout: float
    #: Seconds for one attempt.
    attempt_timeout: float
    #: Called with each error after which the call is repeated.
    on_retry: ErrorCallback = ignore_error
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    #: Returns a random number between two.
    draw: Callable[[float, float], float] = random.uniform  # jitter, not a secret
    #: Index of the worker in use, modulo the number of URLs; it changes only when the worker fails.
    _current: int = 0

    @property
    def url(self) -> str:
        """The base URL of the worker in use."""
        return self.urls[self._current % len(self.urls)]

    def leave(self) -> None:
        """Switch to the next worker."""
        self._current += 1

    async def call(self, request: Request) -> Response:
        """Return a response of success (or 304). Raises ApiError for any other, and Unreachable for none.

        A deletion that gets 404 after an attempt that may have taken effect counts as done: 204 is returned.
        """
        deadline = self.clock() + self.total_timeout
        attempts, may_have_effect = 0, False
        told: ClientError | None = None
        while True:
            outcome = await self._attempt(request, deadline - self.clock())
            if isinstance(outcome, Response):
                return outcome
            if told and isinstance(outcome, Unreachable) and self.clock() >= deadline:
                # The last attempt was cut short by our own deadline: what came before it says more.
                outcome, may_have_effect = told, True
            told = outcome
            if may_have_effect and request.ends_what_is_there and isinstance(outcome, NotFound):
                return Response(204, {})
            outcome.is_repeated = may_have_effect
            attempts += 1
            may_have_effect = may_have_effect or not isinstance(outcome, TooManyRequests)
            pause = self._pause(outcome, attempts)
            if not _is_retryable(outcome) or self.clock() + pause >= deadline:
                raise outcome
            self.on_retry(outcome)
            if pause:
                await self.sleep(pause)
            if self.clock() >= deadline:  # a pause can take longer; no time left would be an attempt without a timeout
                raise outcome

    async def _attempt(self, request: Request, seconds_left: float) -> Response | ClientError:
        used = self._current
        url = self.urls[used % len(self.urls)]
        try:
            response = await self.send(url, request, min(self.attempt_timeout, seconds_left))
        except Unreachable as exc:
            self._leave(used)
            return exc
        if _is_success(response, request):
            return response
        error = error_for(response)
        if _is_retryable(error):
            self._leave(used)
        return error

    def _leave(self, used: int) -> None:
        """Switch to the next worker, unless a concurrent call already did."""
        if self._current == used:
            self._current += 1

    def _pause(self, error: ClientError, attempts: int) -> float:
        """Return the seconds before the next attempt: ``Retry-After`` plus full jitter."""
        asked = error.problem.retry_after if isinstance(error, ApiError) else None
        rounds, rest = divmod(attempts, len(self.urls))
        if rest and asked is None:
            return 0.0
        ceiling = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(rounds, _LAST_DOUBLING))
        return (asked or 0.0) + self.draw(0.0, ceiling)


def _is_success(response: Response, request: Request) -> bool:
    return (200 <= response.status < 300 or response.status == 304) and not (request.whole and response.incomplete)


def _is_retryable(error: ClientError) -> bool:
    """Return whether another attempt may succeed; a page that lacks posts has status 200, and is retried too."""
    if isinstance(error, ApiError):
        return error.problem.status in RETRIED_STATUSES or error.problem.type == "/problems/unfinished"
    return isinstance(error, Unreachable)
