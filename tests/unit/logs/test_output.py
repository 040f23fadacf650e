"""What a worker writes for a log line: one object of JSON, or a line for people."""

import io
import json
import logging
import logging.config
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from microblog_streams.bootstrap.application import MicroblogApp
from microblog_streams.bootstrap.faust_app import MicroblogWorker
from microblog_streams.config.settings import Settings
from microblog_streams.domain.events import UserDeleted
from microblog_streams.logs import context, output
from microblog_streams.logs.context import EventContext, event_set, request_id
from tests.support.logged import logged

GONE = UserDeleted(user_id=7, at=datetime(2026, 5, 17, tzinfo=UTC))


@dataclass
class Message:
    topic: str = "user.deleted"
    partition: int = 3
    offset: int = 17


EVENT = EventContext(Message(), {"request-id": b"8e03978e"}, GONE)


@pytest.fixture
def log():
    with logged() as log:
        yield log


@pytest.fixture
def serving():
    """The context of a request."""
    token = request_id.set("8e03978e")
    yield
    request_id.reset(token)


@pytest.fixture
def root(monkeypatch):
    """The root logger; it and the others are as they were afterwards."""
    monkeypatch.setattr(logging.root, "handlers", [])
    loggers = [logging.root, *map(logging.getLogger, (*output.OUR_PACKAGES, *output.LIBRARY_LEVELS))]
    levels = [each.level for each in loggers]
    yield logging.root
    for each, level in zip(loggers, levels, strict=True):
        each.setLevel(level)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_line_is_an_object_with_time_level_event_fields_and_logger(log):
    logging.getLogger("some.part").warning("store_silent store=%s tries=%d", "redis", 3)

    (line,) = log.lines()
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line == {
        "event": "store_silent",
        "level": "warning",
        "store": "redis",
        "tries": 3,
        "logger": "some.part",
    }


def test_a_line_has_its_request(log, serving):
    logging.getLogger("some.library").warning("slow")

    assert log.lines()[0]["request_id"] == "8e03978e"


def test_a_line_of_an_event_has_its_place_its_id_and_its_request(log):
    with event_set(EVENT):
        logging.getLogger("some.library").warning("slow")

    (line,) = log.lines()
    assert (line["topic"], line["partition"], line["offset"]) == ("user.deleted", 3, 17)
    assert (line["request_id"], line["event_id"]) == ("8e03978e", "user-7")


def test_a_line_outside_has_neither(log):
    logging.getLogger("some.library").warning("slow")

    assert not {"request_id", "event_id", "topic"} & set(log.lines()[0])


def test_a_traceback_is_a_field(log):
    try:
        raise KeyError("ann")
    except KeyError:
        logging.getLogger("some.part").exception("effect_failed")

    (line,) = log.lines()
    assert line["exception"].startswith("Traceback (most recent call last):")
    assert line["exception"].endswith("KeyError (withheld)")


def test_for_people_the_fields_follow_the_event_and_a_line_stays_one_line():
    with logged(as_json=False) as log:
        logging.getLogger("some.part").warning("event_waits lane=%s reason=%s", "post.created-3", "no\nanswer")

    assert ' [warning ] event_waits lane=post.created-3 reason="no\\nanswer" logger=some.part\n' in log.text()


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("human", io.StringIO, False),
    ],
)
def test_auto_is_for_people_on_a_terminal_and_json_elsewhere(root, log_format, stream, is_json):
    written = stream()
    logging.config.dictConfig(output.configuration("INFO", log_format, False, stream=written))

    root.warning("slow")

    assert written.getvalue().startswith("{") == is_json


@pytest.mark.parametrize(("given", "level"), [("info", "INFO"), ("crit", "CRITICAL"), ("ERROR", "ERROR")])
def test_levels_are_also_those_of_fausts_options(given, level):
    assert output.configuration(given, "auto", False)["root"]["level"] == level


def test_the_worker_logs_as_its_settings_say(root, capsys):
    settings = Settings(_env_file=None, log_format="json")
    worker = MicroblogWorker(MicroblogApp(settings, 1, 8))
    worker._setup_logging()

    logging.getLogger("faust.app").info("Starting %s", "it")

    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["event"], line["logger"]) == ("Starting it", "faust.app")


def test_commands_log_as_the_settings_say_too():
    app = MicroblogApp(Settings(_env_file=None, log_format="json"), 1, 8)

    @app.command()
    async def nothing(self):
        """Do nothing."""

    command = object.__new__(nothing)
    command.app, command.logfile, command._loglevel = app, None, None
    assert command._Worker.keywords["logging_config"]["root"]["level"] == "WARN"
    assert command._Worker.func.__name__ == "Worker"


def test_level_debug_is_that_of_our_own_lines(root):
    """Those of Faust and aiokafka hold whole records."""
    logging.config.dictConfig(output.configuration("DEBUG", "json", False))

    for name in ("aiokafka.conn", "faust.topics", "mode.timers", "cassandra.cluster"):
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    assert logging.getLogger("microblog_streams.operations.posts").isEnabledFor(logging.DEBUG)


class TestEventHeaders:
    def test_an_event_of_a_request_names_it(self, serving):
        assert context.event_headers() == {"schema": "1", "request-id": "8e03978e"}

    def test_an_event_of_a_service_has_no_request(self):
        assert context.event_headers() == {"schema": "1"}

    def test_an_event_that_an_effect_publishes_has_the_request_of_its_cause(self):
        with event_set(EVENT):
            assert context.event_headers()["request-id"] == "8e03978e"

    @pytest.mark.parametrize("headers", [{}, {"request-id": b"a\nb"}, {"request-id": b"\xff"}, {"request-id": None}])
    def test_a_record_without_a_valid_one_has_no_request(self, headers):
        assert EventContext(Message(), headers).request_id == ""
