"""Requests from one worker to another, over HTTP: row look-ups, and the reports for the status page.

Each request has a time limit. Redirects are not followed: the headers may hold the admin token, which must go to the
address that the worker announced and to no other.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import SecretStr, TypeAdapter, ValidationError

from microblog_streams.cluster_status.models import Report
from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.logs.context import request_id
from microblog_streams.stores.redis.worker_registry import Worker

#: Seconds that another worker has to answer.
TIMEOUT_SECONDS: Final = 1.5
REQUEST_ID: Final = "X-Request-ID"
#: The path at which a worker serves its report.
REPORT_PATH: Final = "/admin/worker"

_report = TypeAdapter(Report)


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """The answer of another worker."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WorkerClient:
    """Sends requests to other workers."""

    def __init__(self, session: Callable[[], ClientSession]) -> None:
        """``session`` returns aiohttp's client session, which the app owns and closes."""
        self._session = session

    async def ask(
        self, url: str, headers: Mapping[str, str], method: str = "GET", seconds: float = TIMEOUT_SECONDS
    ) -> PeerAnswer:
        """Return a worker's answer, whatever its status. Raises WorkerUnavailable if there is none in time."""
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


class LocalReport(Protocol):
    """The source of this worker's own report."""

    def report(self) -> Coroutine[Any, Any, Report]:
        """Return the report."""
        ...


@dataclass(frozen=True)
class Reports:
    """Fetches the report of any worker: this one's directly, another's over HTTP with the shared admin token."""

    itself: Callable[[], Worker]
    local: LocalReport
    client: WorkerClient
    token: SecretStr | None

    async def of(self, worker: Worker) -> Report:
        """Return a worker's report. Raises WorkerUnavailable."""
        if worker.name == self.itself().name:
            return await self.local.report()
        token = self.token.get_secret_value() if self.token else ""
        answer = await self.client.ask(worker.url + REPORT_PATH, {"Authorization": f"Bearer {token}"})
        return _parse(answer, worker)


def _parse(answer: PeerAnswer, worker: Worker) -> Report:
    if answer.status == HTTPStatus.NOT_FOUND:
        raise WorkerUnavailable("it answers 404: its admin token is another one, or its release is older")
    try:
        report = _report.validate_json(answer.body)
    except ValidationError:
        raise WorkerUnavailable(f"it answers {answer.status}, and nothing that can be read here") from None
    if report.worker != worker.name:
        raise WorkerUnavailable(f"{report.worker} answers at {worker.url}: its address leads to another worker")
    return report
