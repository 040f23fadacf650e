"""Has each worker tell of itself: this one directly, the others over HTTP, with the token that they share."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import SecretStr, TypeAdapter, ValidationError

from microblog_streams.cluster_status.local import LocalStatus
from microblog_streams.cluster_status.models import Report
from microblog_streams.cluster_status.worker_client import PeerAnswer, WorkerClient
from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.stores.redis.worker_registry import Worker

#: Where a worker tells it.
PATH: Final = "/admin/worker"

_report = TypeAdapter(Report)


@dataclass(frozen=True)
class Reports:
    """The reports of all workers. ``itself`` is this one."""

    itself: Callable[[], Worker]
    here: LocalStatus
    peers: WorkerClient
    token: SecretStr | None

    async def of(self, worker: Worker) -> Report:
        """Return what a worker tells. Raises WorkerUnavailable."""
        if worker.name == self.itself().name:
            return await self.here.report()
        token = self.token.get_secret_value() if self.token else ""
        answer = await self.peers.ask(worker.url + PATH, {"Authorization": f"Bearer {token}"})
        return _read(answer, worker)


def _read(answer: PeerAnswer, worker: Worker) -> Report:
    if answer.status == HTTPStatus.NOT_FOUND:
        raise WorkerUnavailable("it answers 404: its admin token is another one, or its release is older")
    try:
        report = _report.validate_json(answer.body)
    except ValidationError:
        raise WorkerUnavailable(f"it answers {answer.status}, and nothing that can be read here") from None
    if report.worker != worker.name:
        raise WorkerUnavailable(f"{report.worker} answers at {worker.url}: its address leads to another worker")
    return report
