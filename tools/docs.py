"""Writes docs/settings.md from the settings models; with ``--check`` it checks all pages instead.

``make docs`` writes the page. ``make check`` fails if that page is stale, or if a page has a relative link that leads
nowhere, to no heading, or names something that does not exist (docs_names.py).
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from microblog_streams.config.infrastructure_settings import InfrastructureSettings, is_secret
from microblog_streams.config.settings import PREFIX, RateLimitSettings, Settings
from microblog_streams.local.options import LocalSettings
from tools.docs_names import Names, anchors, unknown_names, unknown_paths

SETTINGS_PAGE = Path("docs/settings.md")
#: Configuration files whose comments name source files.
COMMENTED = ("setup.cfg", "ruff.toml", "Makefile")
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")

HEAD = """# Settings

All settings are environment variables. `make run` and `make infra` write those of the local stack to
`<data>/stack.env`, which workers and commands read too; the environment wins over it. A wrong value stops the start
with one line that names the variable. This page is made from the code by `make docs`.

A secret, marked °, can be in a file: `MICROBLOG_ADMIN_TOKEN_FILE` is the path of one that holds the token, and so on.
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
    return f"`{value}`"


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
    page = root / SETTINGS_PAGE
    if not page.exists() or page.read_text() != settings_page():
        yield f"{SETTINGS_PAGE} is stale: run make docs"
    names = Names(root)
    for page in [root / "README.md", root / "tests/README.md", *sorted((root / "docs").glob("*.md"))]:
        text = page.read_text()
        wrong = [*dead_links(page, text), *unknown_names(names, text)]
        yield from (f"{page.relative_to(root)}: {line}" for line in wrong)
    for name in COMMENTED:
        yield from (f"{name}: {line}" for line in unknown_paths(names, (root / name).read_text()))


def main() -> None:
    """Write the page, or check all of them."""
    if "--check" not in sys.argv[1:]:
        SETTINGS_PAGE.write_text(settings_page())
        return
    found = list(problems(Path()))
    for problem in found:
        print(f"docs: {problem}", file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
