"""A log line's event, fields and traceback, without what may be personal."""

import ast
import re
from pathlib import Path

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.logs.lines import WITHHELD, described, is_event, split, traced

ROOT = Path(__file__).parents[3]
#: Fields that lines have without their messages.
RESERVED = {"event", "timestamp", "level", "logger", "exception", "stack", "repeated", "trace_id", "span_id"}
NAME = re.compile(r"([a-z_]+)=%")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def caught(raise_it):
    try:
        raise_it()
    except Exception as exc:
        return exc


def messages():
    """Every message that the code logs, with where it is."""
    for folder in ("microblog_streams", "agents", "tables", "web"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                    first = node.args[0] if node.args else None
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        yield f"{file.relative_to(ROOT)}:{node.lineno}", first.value


def test_every_message_of_the_code_is_an_event_with_fields():
    found = dict(messages())

    assert len(found) > 50
    assert {where: message for where, message in found.items() if not is_event(message)} == {}
    assert {where: message for where, message in found.items() if RESERVED & set(NAME.findall(message))} == {}


def test_a_message_of_ours_is_its_event_and_fields_with_their_types():
    line = split("clock_differs store=%s seconds=%.3f tries=%d", ("redis", 1.23456, 3), personal=False)

    assert line == ("clock_differs", {"store": "redis", "seconds": 1.235, "tries": 3})


def test_other_values_are_texts():
    _, fields = split("tables_removed folder=%s reason=%r", (Path("/data"), "gone"), personal=False)

    assert fields == {"folder": "/data", "reason": "'gone'"}


@pytest.mark.parametrize(
    ("message", "arguments", "text"),
    [
        ("Heartbeat failed for %s", ("microblog",), "Heartbeat failed for microblog"),
        ("100 % sure", (), "100 % sure"),
        ("%(a)s and %(b)s", ({"a": 1, "b": 2},), "1 and 2"),
        (ValueError("a name"), (), f"ValueError {WITHHELD}"),
        ("Agent raised %r", (ValueError("a name"),), f"Agent raised 'ValueError {WITHHELD}'"),
    ],
)
def test_a_message_of_a_library_is_one_text(message, arguments, text):
    assert split(message, arguments, personal=False) == (text, {})


@pytest.mark.parametrize(("personal", "shown"), [(False, WITHHELD), (True, "203.0.113.7")])
def test_a_caller_is_withheld_unless_asked_for(personal, shown):
    _, fields = split("request_limited budget=%s who=%s", ("posting", "203.0.113.7"), personal)

    assert fields == {"budget": "posting", "who": shown}


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (StoreUnavailable("redis", "gone"), "StoreUnavailable: redis is unavailable: gone"),
        (ConnectionRefusedError(111, "refused"), "ConnectionRefusedError: [Errno 111] refused"),
        (ValueError("the text of a post"), f"ValueError {WITHHELD}"),
        (KeyError(), "KeyError"),
    ],
)
def test_an_error_that_may_quote_data_is_named_by_its_class(error, shown):
    assert described(error, personal=False) == shown
    assert str(error) in described(error, personal=True)


def test_a_traceback_shows_where_and_no_message_that_may_quote_data():
    def fail():
        try:
            int("a secret")
        except ValueError as exc:
            raise StoreUnavailable("redis", "gone") from exc

    text = traced(caught(fail), personal=False)

    assert text.startswith("Traceback (most recent call last):\n")
    assert "direct cause" in text
    assert f"ValueError {WITHHELD}" in text
    assert text.endswith("StoreUnavailable: redis is unavailable: gone")
    assert "'a secret'" not in text
