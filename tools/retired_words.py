"""Fails where a text of the checkout uses a retired word; docs/glossary.md has the words in use.

Python: identifiers, comments, docstrings and messages. A message is a string with a space; SQL is none, since columns
keep their names. SQL, CQL and Lua: comments. Pages, templates, scripts and configuration: all their text.
Names in code spans (``name`` in docstrings, `name` in Markdown, ``{% %}`` in templates) are left out: persisted and
public names keep their words. `make check` runs this as `python -m tools.retired_words`.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

#: The folders whose files are checked, at any depth, and the product's packages among them.
PACKAGES: Final = ("microblog_streams", "agents", "tables", "web")
FOLDERS: Final = (*PACKAGES, "benchmarks", "tests", "tools", "docs", ".ci")
#: Files with prose, beside Python's: those of which only the comments are checked, those that are checked whole, and
#: names of files that have no suffix.
COMMENTED: Final = {".sql": "--", ".cql": "--", ".lua": "--"}
TEXTS: Final = frozenset(
    {".md", ".html", ".css", ".js", ".yml", ".yaml", ".cfg", ".toml", ".conf", ".properties", ".xml"}
)
NAMES: Final = frozenset({"Makefile", "run", ".gitignore"})
#: They list the words.
EXEMPT: Final = frozenset({"tools/retired_words.py", "tests/unit/tools/test_retired_words.py"})

#: Retired in identifiers, as one of their words (``settle`` in ``settle_edge`` and ``EdgeSettle``), and in prose.
WORDS: Final[Mapping[str, str]] = {
    "settle": "apply, wait until ..., resolve",
    "settles": "applies, waits until ..., resolves",
    "settled": "applied, resolved",
    "settling": "applying, resolving",
    "whoever": "the caller, the worker, ...: say who",
    "somebody": "a user, an operator, ...: say who",
    "nobody": "no user, no worker, ...: say who",
    "steadiness": "RedisRestartMonitor",
    "restater": "row_republisher",
    "restatement": "republish",
    "handover": "thread_future",
    "census": "timeline_count",
    "roster": "worker_registry",
    "workplace": "worker_directory",
    "underway": "in flight",
    "farewell": "reject",
}
#: Retired in identifiers only; in prose they may be plain English.
IDENTIFIERS: Final[Mapping[str, str]] = {
    "lane": "partition processor",
    "parcel": "in-flight event",
    "poison": "undecodable event",
    "doubt": "stale changelog row",
    "doubts": "stale changelog rows",
    "upstream": "faust_patches",
    "letterbox": "dead letter reader",
    "chore": "periodic task",
    "chores": "periodic tasks",
    "warmth": "timeline state",
    "glance": "a number with its unit, as in POLL_SECONDS",
}
#: Retired in names of constants, where a number needs its unit.
CONSTANTS: Final[Mapping[str, str]] = {
    "PATIENCE": "a timeout with its unit, as in TIMEOUT_SECONDS",
    "MOST": "a limit with its unit, as in MAX_BYTES",
}
#: Retired in prose.
PHRASES: Final[Mapping[str, str]] = {
    "tell whether": "return whether",
    "tells whether": "returns whether",
    "at hand": "available",
    "in words": "as text",
}
#: Identifiers that are persisted or public, and keep an old word.
KEPT: Final = frozenset({"settled_letters", "SETTLED", "settled"})

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SQL: Final = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b")
_SPAN: Final = re.compile(r"```[\s\S]*?```|``[^`\n]+``|`[^`\n]+`|\{%[^\n]*?%\}|\{\{[^\n]*?\}\}")
#: A code block in Markdown; in a docstring all lines are indented.
_INDENTED: Final = re.compile(r"^ {4}.+$", re.MULTILINE)
_PROSE: Final = re.compile(
    "|".join(rf"\b{phrase}\b" for phrase in [*WORDS, *PHRASES]).replace(" ", r"\s+"), re.IGNORECASE
)
_INSTEAD: Final = {**WORDS, **IDENTIFIERS, **CONSTANTS, **PHRASES}


def retired_in_prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line (from 0) of each retired word in ``text``, and what is wrong; names in code spans are skipped."""
    prose = _SPAN.sub(lambda span: re.sub(r"[^\n]", " ", span[0]), text)
    for found in _PROSE.finditer(prose):
        word = " ".join(found[0].lower().split())
        yield prose.count("\n", 0, found.start()), f'"{word}" is retired: {_INSTEAD[word]}'


def retired_in_name(name: str) -> str | None:
    """Return what is wrong with an identifier, None where it has no retired word."""
    if name in KEPT:
        return None
    words = _WORD.findall(name)
    bad = [word.lower() for word in words if word.lower() in WORDS or word.lower() in IDENTIFIERS]
    bad += [word for word in words if name.isupper() and word in CONSTANTS]
    bad += ["letterbox"] if "letterbox" in name.lower().replace("_", "") else []
    return f"{name} has a retired word: {_INSTEAD[bad[0]]}" if bad else None


def retired_in_python(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line (from 1) of each retired word in the names, comments, docstrings and messages of a Python file."""
    names: dict[str, int] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            names.setdefault(token.string, token.start[0])
        elif token.type == tokenize.COMMENT:
            yield from ((token.start[0], wrong) for _, wrong in retired_in_prose(token.string))
    yield from ((line, wrong) for name, line in names.items() if (wrong := retired_in_name(name)))
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for text in texts:
        if id(text) in docstrings or _is_message(str(text.value)):
            yield from ((text.lineno + line, wrong) for line, wrong in retired_in_prose(str(text.value)))


def retired_in_comments(source: str, start: str) -> Iterator[tuple[int, str]]:
    """Yield the line (from 1) of each retired word in comments, which go from ``start`` to the end of their line."""
    comments = "\n".join(line.partition(start)[2] for line in source.splitlines())
    yield from ((line + 1, wrong) for line, wrong in retired_in_prose(comments))


def _is_message(text: str) -> bool:
    return " " in text and not _SQL.search(text)


def retired_words(root: Path) -> Iterator[str]:
    """Yield ``path:line: what is wrong`` for the checkout at ``root``."""
    below = [file for folder in FOLDERS for file in sorted((root / folder).rglob("*"))]
    for file in [*below, *sorted(root.glob("*"))]:
        path = file.relative_to(root).as_posix()
        if file.is_file() and path not in EXEMPT:
            yield from (f"{path}:{line}: {wrong}" for line, wrong in sorted(_retired_in(file)))


def _retired_in(file: Path) -> Iterator[tuple[int, str]]:
    """Yield lines, counted from 1, and what is wrong there."""
    if file.suffix == ".py":
        yield from retired_in_python(file.read_text())
    elif file.suffix in COMMENTED:
        yield from retired_in_comments(file.read_text(), COMMENTED[file.suffix])
    elif file.suffix in TEXTS or file.name in NAMES:
        page = file.read_text()
        prose = _INDENTED.sub("", page) if file.suffix == ".md" else page
        yield from ((line + 1, wrong) for line, wrong in retired_in_prose(prose))


def main() -> None:
    """Print every retired word, and exit with status 1 where there is one."""
    if missing := [package for package in PACKAGES if not any(Path(package).rglob("*.py"))]:
        sys.exit(f"run this at the top of a checkout: there is no {missing[0]}/")
    found = list(retired_words(Path()))
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
