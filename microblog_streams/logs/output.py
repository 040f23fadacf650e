"""How log lines are written: the configuration of the standard library's logging, with structlog's renderers.

Each line is one JSON object (``event``, ``timestamp``, ``level``, its fields, ``logger``), or words and fields in this
order for people. Everything goes through the one handler of the root logger.
"""

import json
import re
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal, TextIO

from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter, LogLevelColumnFormatter
from structlog.processors import JSONRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from microblog_streams.logs import context, lines
from microblog_streams.logs.repeats import RepeatFilter

Format = Literal["auto", "json", "human"]

#: The packages whose lines of level DEBUG can be asked for. Those of Faust and aiokafka hold whole records, with the
#: texts of posts.
OUR_PACKAGES: Final = ("microblog_streams", "agents", "tables", "web")
#: aiokafka's lines of level INFO repeat Faust's. opensearch-py logs each failure, which the store reports.
LIBRARY_LEVELS: Final = {"aiokafka": "WARNING", "opensearch": "CRITICAL"}

_UNSAFE: Final = re.compile(r"[\s\"=\x00-\x1f\x7f-\x9f]|^$")
_GREEN, _YELLOW, _RED, _DIM, _RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
_LEVEL_COLORS: Final = {"debug": _DIM, "info": _GREEN, "warning": _YELLOW, "error": _RED, "critical": _RED}


def configuration(
    level: str, log_format: Format, personal: bool, file: str | None = None, stream: TextIO | None = None
) -> dict[str, Any]:
    """Return the argument of ``logging.config.dictConfig``. Lines go to ``file``, else to ``stream`` (stderr).

    ``level`` may be one of Faust's, which are in small letters. ``personal``: lines may hold names, addresses, and
    messages of exceptions that quote data.
    """
    level = {"CRIT": "CRITICAL"}.get(name := str(level).upper(), name)
    output: Mapping[str, Any] = {"class": "logging.StreamHandler", "stream": stream or sys.stderr}
    if file:
        output = {"class": "logging.FileHandler", "filename": file}
    is_terminal = not file and (stream or sys.stderr).isatty()
    as_json = log_format == "json" or (log_format == "auto" and not is_terminal)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"repeats": {"()": RepeatFilter}},
        "formatters": {"lines": {"()": partial(formatter, as_json, is_terminal, personal)}},
        "handlers": {"default": {**output, "formatter": "lines", "filters": ["repeats"], "level": level}},
        "loggers": {
            name: {"level": least} for name, least in {**dict.fromkeys(OUR_PACKAGES, level), **LIBRARY_LEVELS}.items()
        },
        "root": {"level": "INFO" if level == "DEBUG" else level, "handlers": ["default"]},
    }


def formatter(as_json: bool, colors: bool, personal: bool) -> ProcessorFormatter:
    """Return the formatter of all lines."""
    renderer: Processor = JSONRenderer(serializer=_json) if as_json else _columns(colors)
    return ProcessorFormatter(
        foreign_pre_chain=[
            TimeStamper(fmt="iso", utc=True),
            add_log_level,
            partial(_take_apart, personal),
            add_logger_name,
        ],
        processors=[ProcessorFormatter.remove_processors_meta, renderer],
        use_get_message=False,
        pass_foreign_args=True,
    )


def _take_apart(personal: bool, _: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Replace the message by its event and fields, and exceptions by their texts; add the fields of the context."""
    record = line["_record"]
    arguments = line.pop("positional_args") or ()
    if not isinstance(arguments, tuple):
        arguments = (arguments,)
    event, fields = lines.split(record.msg, arguments, personal)
    line["event"] = event
    line.update({**context.fields(), **fields})
    if repeated := getattr(record, "repeated", 0):
        line["repeated"] = repeated
    if (found := line.pop("exc_info", None)) and found[1] is not None:
        line["exception"] = lines.traced(found[1], personal)
    if stack := line.pop("stack_info", None):
        line["stack"] = stack
    return line


def _json(line: object, **_: object) -> str:
    return json.dumps(line, default=str, ensure_ascii=False)


def _columns(colors: bool) -> ConsoleRenderer:
    """Return the renderer for people: time, level, event, then the fields in the order in which they were added."""

    def style(color: str) -> str:
        return color if colors else ""

    reset = style(_RESET)
    levels = {level: style(color) for level, color in _LEVEL_COLORS.items()}
    return ConsoleRenderer(
        columns=[
            Column("", KeyValueColumnFormatter("", "", "", _quoted)),
            Column("timestamp", KeyValueColumnFormatter(None, style(_DIM), reset, str)),
            Column("level", LogLevelColumnFormatter(levels, reset)),
            Column("event", KeyValueColumnFormatter(None, "", "", str)),
        ],
        sort_keys=False,
    )


def _quoted(value: object) -> str:
    """Return a value as text, in quotes where it has spaces, line breaks or quotes: a line stays one line."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if _UNSAFE.search(text) else text
