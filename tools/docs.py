"""Writes docs/settings.md and docs/metrics.md from the code; with ``--check`` it checks all pages instead.

``make docs`` writes the two. ``make check`` fails if one of them is stale, or if a page has a relative link that leads
nowhere, to no heading, or names something that does not exist (docs_names.py).
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from microblog_streams.config.infrastructure_settings import InfrastructureSettings, is_secret
from microblog_streams.config.settings import PREFIX, RateLimitSettings, Settings
from microblog_streams.local.options import LocalSettings
from microblog_streams.metrics.definitions import CHAPTERS, Definition
from tools.docs_names import Names, anchors, unknown_names, unknown_paths

SETTINGS_PAGE = Path("docs/settings.md")
METRICS_PAGE = Path("docs/metrics.md")
#: Configuration files whose comments name source files.
COMMENTED = ("setup.cfg", "ruff.toml", "Makefile")
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")

HEAD = """# Settings

All settings are environment variables. `make run` and `make infra` write those of the local stack to
`<data>/stack.env`, which workers and commands read too; the environment wins over it. A wrong value stops the start
with one line that names the variable. This page is made from the code by `make docs`.

A secret, marked °, can be in a file: `MICROBLOG_ADMIN_TOKEN_FILE` is the path of one that holds the token, and so on.
"""


METRICS_HEAD = """# Metrics

What `/metrics` of a worker shows, in Prometheus' text format or in OpenMetrics. This page is made from the code by
`make docs`; [operating](operating.md#metrics) says who may read it and when to raise an alarm.

Names are `microblog_<noun>_<unit>`, in base units. Counters end in `_total`, and begin at 0 with the worker's process.
A value that is unknown, such as those of a store that is away, is left out. Beside these there are Prometheus' own
`process_…` (processor time, memory, open files) and `python_gc_…` (collections).
"""


def settings_page() -> str:
    """Return the text of docs/settings.md."""
    infrastructure, limits = InfrastructureSettings.model_fields, RateLimitSettings.model_fields
    workers = {name: field for name, field in Settings.model_fields.items() if name not in {**infrastructure, **limits}}
    tables = {
        "Infrastructure": infrastructure,
        "Workers and commands": workers,
        "Limits": limits,
        "Local stack": LocalSettings.model_fields,
    }
    return "\n".join([HEAD, *(line for title, fields in tables.items() for line in _table(title, fields))])


def _table(title: str, fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    yield from (f"## {title}", "", "| variable | default | meaning |", "|---|---|---|")
    for name, field in fields.items():
        mark = " °" if is_secret(field) else ""
        yield f"| `{PREFIX}{name.upper()}`{mark} | {_default(field)} | {field.description} |"
    yield ""


def _default(field: FieldInfo) -> str:
    if field.default in (None, ()) or field.default_factory is not None:
        return ""
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return f"`{','.join(map(str, value)) if isinstance(value, tuple) else value}`"


def metrics_page() -> str:
    """Return the text of docs/metrics.md."""
    return "\n".join(
        [METRICS_HEAD, *(line for title, each in CHAPTERS.items() for line in _metrics_table(title, each))]
    )


def _metrics_table(title: str, definitions: Sequence[Definition]) -> Iterator[str]:
    yield from (f"## {title}", "", "| metric | type | labels | unit | meaning |", "|---|---|---|---|---|")
    for each in definitions:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        buckets = f". Buckets up to {', '.join(f'{bound:,g}' for bound in each.bounds)}" if each.bounds else ""
        yield f"| `{each.name}` | {each.kind} | {labels} | {each.unit} | {each.meaning}{buckets} |"
    yield ""


#: The pages that are made from the code.
GENERATED: Final[Mapping[Path, Callable[[], str]]] = {SETTINGS_PAGE: settings_page, METRICS_PAGE: metrics_page}


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Yield a line for each relative link that leads to no file, or to no heading (``#its-anchor``) of a page."""
    for target, anchor in LINK.findall(text):
        file = page.parent / target if target else page
        if not file.exists():
            yield f"the link to {target} leads nowhere"
        elif anchor and anchor not in anchors(file.read_text()):
            yield f"the link to {target}#{anchor} leads to no heading"


def problems(root: Path) -> Iterator[str]:
    """Yield a line for each problem of the docs below ``root``."""
    for path, text_of in GENERATED.items():
        if not (root / path).exists() or (root / path).read_text() != text_of():
            yield f"{path} is stale: run make docs"
    names = Names(root)
    for page in [root / "README.md", root / "tests/README.md", *sorted((root / "docs").rglob("*.md"))]:
        text = page.read_text()
        wrong = [*dead_links(page, text), *unknown_names(names, text)]
        yield from (f"{page.relative_to(root)}: {line}" for line in wrong)
    for name in COMMENTED:
        yield from (f"{name}: {line}" for line in unknown_paths(names, (root / name).read_text()))


def main() -> None:
    """Write the generated pages, or check all of them."""
    if "--check" not in sys.argv[1:]:
        for path, text_of in GENERATED.items():
            path.write_text(text_of())
        return
    found = list(problems(Path()))
    for problem in found:
        print(f"docs: {problem}", file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
