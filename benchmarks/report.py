"""What every benchmark ends with: its figures as JSON beside the others, and a table for people."""

import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import machine
from benchmarks.stage import Stage, play
from microblog_streams.config.settings import exit_with_error
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.jars import Interrupted

RESULTS: Final = Path(__file__).parent / "results"

Figures = dict[str, Any]


def refuse_arguments() -> None:
    """End the process where arguments were given: what calls this takes environment variables alone."""
    if sys.argv[1:]:
        sys.exit(f"unexpected: {' '.join(sys.argv[1:])}. This takes no arguments; `make help` names its variables")


def report(
    name: str, workers: int, measure: Callable[[Stage], Coroutine[None, None, Figures]], table: Callable[[Figures], str]
) -> None:
    """Measure on a stack of its own below ``.data-<name>``, and tell what was found as ``tell`` does."""
    tell(name, lambda: play(Path(f".data-{name}"), workers, measure), table)


def tell(name: str, measure: Callable[[], Figures], table: Callable[[Figures], str]) -> None:
    """Measure, write ``results/<name>.json``, print the table.

    The machine is looked at before it is made busy. Where it cannot be measured or is interrupted, the process ends.
    """
    try:
        on = machine()
        figures = measure()
    except SetupError as exc:
        exit_with_error(exc)
    except Interrupted:
        sys.exit(130)
    written = json.dumps({"machine": on, **figures}, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(written, encoding="utf-8")
    print(table(figures))
