"""A call to the API, as a good client makes it: again where it may, after what ``Retry-After`` says, not for ever."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any

import aiohttp

from tests.support.workload.gateway import Gateway
from tests.support.workload.history import Call, History

#: Seconds of one try: more than workers give a request.
TIMEOUT_SECONDS = 12.0
#: Seconds that a client waits at most before it tries again, whatever it is told, and where no worker takes the call.
LONGEST, REFUSED_PAUSE = 5.0, 0.2
#: In place of a status: no answer came, or nothing was done.
NO_ANSWER, NOTHING = 0, -1
#: What a 503 says that promises that nothing happened.
PROMISE = "nothing was done"

#: Status and body.
Reply = tuple[int, Any]


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    method: str
    path: str
    #: The status of success.
    good: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the call may be repeated after a try without an answer.
    again: bool = True
    #: What a repeated call is answered with where the try before it happened.
    done: int = 0
    #: Told of each try without an answer: it may still have its effect after another that was answered.
    on_no_answer: Callable[[], None] = lambda: None


@dataclass
class Caller:
    """Makes calls and notes them."""

    session: aiohttp.ClientSession
    gateway: Gateway
    history: History
    #: Says that nothing is to be tried again.
    over: Callable[[], bool]
    #: Tries of a call that may be repeated.
    tries: int = 1
    _number: "count[int]" = field(default_factory=count)

    async def call(self, request: Request) -> Reply:
        """Return status and body: the ``good`` one; or NO_ANSWER: it may have happened; or NOTHING: it did not.

        Any status that no call may have is noted as strange.
        """
        unsure = False
        for attempt in count(1):
            status, parsed, pause = await self._try(request, unsure)
            if status == request.good:
                return status, parsed
            if status == NO_ANSWER:
                unsure = True
                request.on_no_answer()
            if attempt >= self.tries or self.over() or (unsure and not request.again):
                break
            await asyncio.sleep(pause)
        return (NO_ANSWER if unsure else NOTHING), None

    async def _try(self, request: Request, unsure: bool) -> tuple[int, Any, float]:
        """Return status, body, and seconds to wait before another try."""
        begun, url = time.monotonic(), self.gateway.choose(next(self._number))
        if url is None:
            return self._nothing(REFUSED_PAUSE)
        sent = self.session.request(request.method, url + request.path, json=request.body, headers=request.headers)
        try:
            async with sent as got:
                text = await got.text()
        except aiohttp.ClientConnectorError:
            self.gateway.spare(url)
            return self._nothing(REFUSED_PAUSE)
        except (aiohttp.ClientError, TimeoutError) as exc:
            self.gateway.spare(url)
            self._note(begun, url, request, repr(exc))
            return NO_ANSWER, None, REFUSED_PAUSE
        self._note(begun, url, request, f"{got.status} {text[:200]}")
        return self._outcome(request, unsure, got, text)

    def _outcome(
        self, request: Request, unsure: bool, got: aiohttp.ClientResponse, text: str
    ) -> tuple[int, Any, float]:
        if got.status == request.good:
            return got.status, (json.loads(text) if text else None), 0.0
        if unsure and got.status == request.done:
            return request.good, None, 0.0
        pause = min(float(got.headers.get("Retry-After", REFUSED_PAUSE)), LONGEST)
        if got.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return self._nothing(pause) if PROMISE in text else (NO_ANSWER, None, pause)
        self.history.strange.append(f"{request.method} {request.path}: {got.status} {text}")
        return NO_ANSWER, None, pause

    def _nothing(self, pause: float) -> tuple[int, Any, float]:
        self.history.refused += 1
        return NOTHING, None, pause

    def _note(self, begun: float, url: str, request: Request, answer: str) -> None:
        call = f"{request.method} {url}{request.path} {json.dumps(request.body) if request.body else ''}".rstrip()
        self.history.calls.append(Call(begun, time.monotonic() - begun, call, answer))
