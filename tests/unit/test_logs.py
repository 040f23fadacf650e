"""Log lines end with the id of their request."""

import io
import logging

import pytest
from mode.utils.logging import DEFAULT_FORMAT, DefaultFormatter

from microblog_streams.bootstrap.application import MicroblogApp
from microblog_streams.bootstrap.faust_app import MicroblogWorker
from microblog_streams.config.settings import Settings
from microblog_streams.logs import request_id


@pytest.fixture
def written(monkeypatch):
    """The output of the root logger with Faust's formatter, as a worker configures it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(DefaultFormatter(DEFAULT_FORMAT))
    monkeypatch.setattr(logging.root, "handlers", [handler])
    worker = MicroblogWorker(MicroblogApp(Settings(_env_file=None), 1, 8), loglevel="INFO")
    worker.on_setup_root_logger(logging.root, logging.INFO)
    return text


@pytest.fixture
def serving():
    """The context of a request."""
    token = request_id.set("8e03978e")
    yield
    request_id.reset(token)


def test_a_line_ends_with_its_request(written, serving):
    logging.getLogger("some.library").warning("effect_waits lane=%s", "post.created:3")

    assert written.getvalue().endswith("effect_waits lane=post.created:3 request='8e03978e'\n")


def test_a_line_outside_requests_has_no_id(written):
    logging.getLogger("some.library").warning("effect_waits")

    assert "request" not in written.getvalue()


def test_other_data_of_the_line_stays(written, serving):
    logging.getLogger("some.library").warning("with data", extra={"data": {"tries": 3}})

    assert written.getvalue().endswith("with data tries=3, request='8e03978e'\n")
