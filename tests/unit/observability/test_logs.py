"""Log lines: each names the request that it was written for, in the form that the worker's handlers write."""

import io
import logging

import pytest
from mode.utils.logging import DEFAULT_FORMAT, DefaultFormatter

from microblog_streams.bootstrap.application import MicroblogApp
from microblog_streams.bootstrap.worker import MicroblogWorker
from microblog_streams.config.settings import Settings
from microblog_streams.observability.logs import request_id


@pytest.fixture
def written(monkeypatch):
    """What a handler with Faust's own formatter writes for the root logger, as a worker sets it up."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(DefaultFormatter(DEFAULT_FORMAT))
    monkeypatch.setattr(logging.root, "handlers", [handler])
    worker = MicroblogWorker(MicroblogApp(Settings(_env_file=None), 1, 8), loglevel="INFO")
    worker.on_setup_root_logger(logging.root, logging.INFO)
    return text


@pytest.fixture
def serving():
    """A request is served."""
    token = request_id.set("8e03978e")
    yield
    request_id.reset(token)


def test_a_line_ends_with_its_request(written, serving):
    logging.getLogger("some.library").warning("effect_waits lane=%s", "post.created:3")

    assert written.getvalue().endswith("effect_waits lane=post.created:3 request='8e03978e'\n")


def test_a_line_of_no_request_names_none(written):
    logging.getLogger("some.library").warning("effect_waits")

    assert "request" not in written.getvalue()


def test_what_the_line_carries_already_stays(written, serving):
    logging.getLogger("some.library").warning("with data", extra={"data": {"tries": 3}})

    assert written.getvalue().endswith("with data tries=3, request='8e03978e'\n")
