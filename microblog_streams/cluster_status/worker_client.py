"""One worker asks another, over HTTP: where a row is looked up, and when all workers are shown on one page.

Bounded in time, and a redirect is not followed: what is sent along opens every locked page, so it goes where a worker
said that it is, and nowhere else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.observability.logs import request_id

#: Seconds that another worker has to answer.
PATIENCE: Final = 1.5
REQUEST_ID: Final = "X-Request-ID"


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What another worker answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WorkerClient:
    """The other workers, as they are reached from this one."""

    def __init__(self, session: Callable[[], ClientSession]) -> None:
        """``session`` returns aiohttp's client, which belongs to the app."""
        self._session = session

    async def ask(
        self, url: str, headers: Mapping[str, str], method: str = "GET", seconds: float = PATIENCE
    ) -> PeerAnswer:
        """Return what a worker answers, whatever its status. Raises WorkerUnavailable."""
        named = {**headers, REQUEST_ID: request_id.get()}
        timeout = ClientTimeout(total=seconds)
        try:
            async with self._session().request(
                method, url, headers=named, timeout=timeout, allow_redirects=False
            ) as answer:
                return PeerAnswer(answer.status, answer.headers, await answer.read())
        except TimeoutError:
            raise WorkerUnavailable(f"no answer from {url} within {seconds:g} s") from None
        except (ClientError, OSError, ValueError) as exc:
            raise WorkerUnavailable(f"no answer from {url}: {exc}") from None
