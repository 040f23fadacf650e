"""Trying again: what, when, where and for how long. No I/O here: sending, time and chance come in as arguments.

Tried again is what may go better another time (no answer, 429, 502, 503, 504), and that is safe because every POST
carries an Idempotency-Key and all other calls may be repeated as they are. What the server refused stays refused.
Workers are tried in turn; a pause is made after a whole round of them, and whenever the server asks for one.
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
    NotFound,
    TooManyRequests,
    Trouble,
    Unreachable,
    unheeded,
)
from microblog_streams.client.messages import Answer, Request
from microblog_streams.client.problems import error

#: Seconds up to which the pause after the first round is drawn, and after any.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
#: What may go better another time.
PASSING: Final = frozenset({429, 502, 503, 504})
#: The last round for which the pause doubles: it is the longest long before, and numbers must not grow for ever.
_LAST_DOUBLING: Final = 16

#: Sends a request to a base URL, with so many seconds of time. Raises Unreachable.
Send = Callable[[str, Request, float], Awaitable[Answer]]


@dataclass
class Retrying:
    """Makes a call until it is answered, or patience is out."""

    send: Send
    #: Base URLs of workers.
    urls: Sequence[str]
    #: Seconds of a whole call, with all its tries and pauses.
    patience: float
    #: Seconds of one try.
    timeout: float
    trouble: Trouble = unheeded
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    #: Draws a number between two.
    draw: Callable[[float, float], float] = random.uniform  # jitter, not a secret
    #: Which worker is called: the same one until it fails.
    _current: int = 0

    async def call(self, request: Request) -> Answer:
        """Return an answer of success (or 304). Raises ApiError for any other, and Unreachable for none.

        A DELETE that finds nothing, after a try that may have had its effect, has done its work.
        """
        deadline = self.clock() + self.patience
        tries, unsure = 0, False
        while True:
            outcome = await self._try(request, deadline - self.clock())
            if isinstance(outcome, Answer):
                return outcome
            if unsure and request.method == "DELETE" and isinstance(outcome, NotFound):
                return Answer(204, {})
            tries += 1
            unsure = unsure or not isinstance(outcome, TooManyRequests)
            pause = self._pause(outcome, tries)
            if not _passing(outcome) or self.clock() + pause >= deadline:
                raise outcome
            self.trouble(outcome)
            if pause:
                await self.sleep(pause)

    async def _try(self, request: Request, left: float) -> Answer | ClientError:
        used = self._current
        try:
            answer = await self.send(self.urls[used % len(self.urls)], request, min(self.timeout, left))
        except Unreachable as exc:
            self._leave(used)
            return exc
        if _good(answer, request):
            return answer
        failure = error(answer)
        if _passing(failure):
            self._leave(used)
        return failure

    def _leave(self, used: int) -> None:
        """Go on to the next worker, unless another call did so already."""
        if self._current == used:
            self._current += 1

    def _pause(self, failure: ClientError, tries: int) -> float:
        """Return the seconds before the next try: full jitter, on top of what the server asked for."""
        asked = failure.problem.retry_after if isinstance(failure, ApiError) else None
        rounds, rest = divmod(tries, len(self.urls))
        if rest and asked is None:
            return 0.0
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(rounds, _LAST_DOUBLING))
        return (asked or 0.0) + self.draw(0.0, ceiling)


def _good(answer: Answer, request: Request) -> bool:
    return (200 <= answer.status < 300 or answer.status == 304) and not (request.whole and answer.incomplete)


def _passing(failure: ClientError) -> bool:
    """Tell whether it may go better another time. A page that lacks posts is a 200, and one of these."""
    if isinstance(failure, ApiError):
        return failure.problem.status in PASSING or failure.problem.type == "/problems/unfinished"
    return isinstance(failure, Unreachable)
