"""Reports of workers, from valid and invalid answers."""

from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from microblog_streams.cluster_status.models import Report, Size
from microblog_streams.cluster_status.worker_client import PeerAnswer, Reports
from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.stores.redis.worker_registry import Worker

ME = Worker("me", "http://127.0.0.1:1", "both", ())
OTHER = Worker("other", "http://127.0.0.1:2", "both", ())
MINE = Report("me", (), (), 0, ())
TOLD = b'{"worker":"other","problems":["a"],"warnings":[],"unacked":3,"sizes":[{"partition":1,"rows":2,"bytes":3}]}'


class WorkerClient:
    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def ask(self, url, headers):
        self.asked.append((url, headers))
        return self.answer


@pytest.fixture
def reports():
    async def report():
        return MINE

    def make(status=200, body=TOLD):
        peers = WorkerClient(PeerAnswer(status, {}, body))
        return Reports(lambda: ME, SimpleNamespace(report=report), peers, SecretStr("the-admin-token"))

    return make


async def test_the_own_report_needs_no_request(reports):
    asking = reports()

    assert await asking.of(ME) == MINE
    assert asking.client.asked == []


async def test_another_workers_report_is_requested_with_the_admin_token(reports):
    asking = reports()

    assert await asking.of(OTHER) == Report("other", ("a",), (), 3, (Size(1, 2, 3),))
    assert asking.client.asked == [("http://127.0.0.1:2/admin/worker", {"Authorization": "Bearer the-admin-token"})]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, b"{}", "its admin token is another one"),
        (503, b'{"type":"/problems/unavailable"}', "it answers 503"),
        (200, b"", "nothing that can be read here"),
        (200, TOLD.replace(b"other", b"third"), "third answers at http://127.0.0.1:2"),
    ],
)
async def test_an_invalid_answer_makes_the_worker_unavailable(reports, status, body, reason):
    with pytest.raises(WorkerUnavailable, match=reason):
        await reports(status, body).of(OTHER)


async def test_fields_of_a_later_release_are_ignored(reports):
    later = TOLD.replace(b'"unacked"', b'"more":{"a":1},"unacked"')

    assert (await reports(body=later).of(OTHER)).unacked == 3
