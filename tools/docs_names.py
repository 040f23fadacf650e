"""Checks that what the docs name exists: files, settings, metrics, commands, URLs, log events and other identifiers.

Names are read from code spans and code blocks, and looked up where they are defined: the tree of files, the settings
models, the table of routes, the types of problems, the Makefile, the commands. Identifiers, metrics, options and keys
of JSON are looked up among the words of the sources, so that a renamed log event is noticed without a list of events.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Final

import click

from microblog_streams.cli.__main__ import cli
from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.local.options import LocalSettings
from microblog_streams.metrics.definitions import CHAPTERS, Kind
from web.routes import API, DESCRIPTION, INTERNALS, OPERATION

#: Folders whose text defines a name, and the files beside them that do; tests only use names.
SOURCES: Final = ("microblog_streams", "agents", "tables", "web", "benchmarks")
FILES: Final = ("Makefile", "setup.cfg", "docker-compose.infra.yml", "docker-compose.yml")
#: Folders of files that are only named.
NAMED: Final = ("tests", "docs", "deploy", "tools")
TEXT: Final = {".py", ".sql", ".cql", ".lua", ".js", ".html", ".yaml", ".yml", ".properties", ".conf", ".xml", ".toml"}
#: The table of the types of problems, with the slugs of their URLs.
PROBLEMS: Final = "web/http/problems.py"
#: Pages that Faust serves (faust/web/apps), and its command that runs a worker.
FAUST_PATHS: Final = ("/table/", "/router/", "/assignment/", "/graph/", "/performance/")
FAUST_COMMANDS: Final = {"worker"}

_CODE: Final = re.compile(r"```[\s\S]*?```|`[^`\n]+`|^ {4}.+$", re.MULTILINE)
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_PATH: Final = re.compile(r"[\w][\w./-]*\.(?:py|lua|sql|cql|yml|cfg)")
_FOLDER: Final = re.compile(r"(?:microblog_streams|agents|tables|web|benchmarks|tests|docs|tools)/[\w/-]*/")
_SETTING: Final = re.compile(rf"{PREFIX}[A-Z0-9_]*[A-Z0-9]")
_QUOTED_SETTING: Final = re.compile(rf"(?:\"|\$\{{|: )({PREFIX}[A-Z_]+)")
_SERIES: Final = re.compile(r"_(?:bucket|count|sum)$")
_METRIC: Final = re.compile(r"microblog_(?!streams\b)[a-z_]*[a-z]")
_MAKE: Final = re.compile(r"(?:^ *|`)(?:\$ )?make ([a-z][a-z-]*)", re.MULTILINE)
_FAUST: Final = re.compile(r"faust -A microblog_streams ([a-z][a-z-]*)")
_CLI: Final = re.compile(r"(?:^|\$ )microblog (?:--as \w+ )?([a-z]+)", re.MULTILINE)
_URL: Final = re.compile(r"(?:(?:GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD) )?(/[\w{}./:-]*)(?:\?\S*)?")
_SLUG: Final = re.compile(r'(?:ProblemType\(\s*\d+, *|_retryable\(|slug=)"([a-z-]+)"')
_PHRASE: Final = re.compile(r'"([A-Z][A-Za-z-]+(?: [A-Za-z-]+)*)"')
#: A call's path in a code block; ``curl`` or ``-X DELETE`` may stand before it.
_CALLED: Final = re.compile(r"(?<!@)(?<!//)\blocalhost(?::\d+)?(/[^\s'\"?)`]*)")
_OPTION: Final = re.compile(r"(--[a-z][a-z0-9-]*)(?:[ =].*)?")
#: An option behind a command of ours in a code block.
_GIVEN: Final = re.compile(r"(?:faust -A microblog_streams|\$ microblog|^ *microblog)\b.*")
_CAMEL: Final = re.compile(r"(?:[a-z]+\.)?([a-z]+(?:[A-Z][a-z]+)+)")
_KEY: Final = re.compile(r'"(\w+)":')
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_IDENTIFIER: Final = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?: \S+=.*)?")
_PARAMETER: Final = re.compile(r"\{[^}/]+\}|\b[A-Z]+(?::[A-Z]+)?\b")


@dataclass(frozen=True)
class Names:
    """What exists below ``root``, the checkout."""

    root: Path

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every source file, relative to the root, with a slash before it."""
        found = (file for folder in (*SOURCES, *NAMED) for file in (self.root / folder).rglob("*") if file.is_file())
        listed = [file.relative_to(self.root) for file in found if "__pycache__" not in file.parts]
        return tuple(f"/{path.as_posix()}" for path in [*listed, *map(Path, FILES)])

    @cached_property
    def sources(self) -> str:
        """The text of all sources, in one string."""
        kept = [
            self.root / path[1:] for path in self.paths if not path.startswith(tuple(f"/{folder}/" for folder in NAMED))
        ]
        return "\n".join(file.read_text() for file in kept if file.suffix in {*TEXT, ".cfg", ""})

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of all sources: names, and the parts of strings between other characters."""
        return frozenset(re.findall(r"\w+", self.sources))

    @cached_property
    def options(self) -> frozenset[str]:
        """Every command-line option that the sources name, ``--yes`` and the like."""
        return frozenset(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", self.sources))

    @cached_property
    def settings(self) -> frozenset[str]:
        """Every environment variable that the models read, and those of the command line and the compose file."""
        fields = [*Settings.model_fields, *LocalSettings.model_fields]
        models = {f"{PREFIX}{name.upper()}{end}" for name in fields for end in ("", "_FILE")}
        return frozenset({*models, *_QUOTED_SETTING.findall(self.sources)})

    @cached_property
    def targets(self) -> frozenset[str]:
        """The Makefile's targets."""
        return frozenset(re.findall(r"^([a-z-]+):", (self.root / "Makefile").read_text(), re.MULTILINE))

    @cached_property
    def faust_commands(self) -> frozenset[str]:
        """The commands of ``faust -A microblog_streams``: the coroutines that register as a command."""
        texts = [file.read_text() for file in (self.root / "microblog_streams").rglob("*.py")]
        declared = re.findall(r"async def (\w+)\(\s*self: Any", "\n".join(texts))
        return frozenset(name.replace("_", "-") for name in declared) | FAUST_COMMANDS

    @cached_property
    def cli_commands(self) -> frozenset[str]:
        """The commands of ``microblog``."""
        assert isinstance(cli, click.Group)
        return frozenset(cli.commands)

    @cached_property
    def urls(self) -> tuple[str, ...]:
        """Every path that a worker serves, with ``{}`` for each parameter, without a slash at its end."""
        served = [path for path, _ in API + DESCRIPTION + OPERATION + INTERNALS]
        source = (self.root / PROBLEMS).read_text()
        phrases = [*_PHRASE.findall(source), *(each.phrase for each in HTTPStatus if each >= HTTPStatus.BAD_REQUEST)]
        slugs = {phrase.lower().replace(" ", "-") for phrase in phrases}  # as web/http/problems.py makes them
        problems = [f"/problems/{slug}" for slug in {*slugs, *_SLUG.findall(source)}]
        return tuple(_plain(path) for path in [*served, *FAUST_PATHS, *problems])

    def has_path(self, name: str) -> bool:
        """Return whether a file, or a folder with a file in it, has a path that ends in ``name``."""
        if name.endswith("/"):
            return any(path.startswith(f"/{name}") for path in self.paths)
        return any(path.endswith(f"/{name}") for path in self.paths)

    def has_url(self, path: str) -> bool:
        """Return whether a URL is served, or is the end of one that is (``/followees``)."""
        return any(url.endswith(_plain(path)) for url in self.urls)

    def serves(self, path: str) -> bool:
        """Return whether a path with values for its parameters (``/users/2/followers``) is served."""
        patterns = (re.escape(url).replace(r"\{\}", "[^/]+") for url in self.urls)
        return any(re.fullmatch(pattern, path.rstrip("/")) for pattern in patterns)

    def has_metric(self, name: str) -> bool:
        """Return whether a metric is defined, or is one of the three series of a histogram that is."""
        defined = {each.name: each.kind for chapter in CHAPTERS.values() for each in chapter}
        return name in defined or defined.get(_SERIES.sub("", name)) == Kind.HISTOGRAM

    def has_field(self, name: str) -> bool:
        """Return whether the sources have a field of JSON: as it is, or in snake case (``post_id`` of ``postId``)."""
        return name in self.words or re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name) in self.words


def _plain(path: str) -> str:
    return _PARAMETER.sub("{}", path).rstrip("/")


def unknown_names(names: Names, page: str) -> Iterator[str]:
    """Yield a line for each name on ``page`` (its text) that does not exist."""
    yield from _unknown(_SPAN.findall(page), names)
    blocks = _CODE.findall(page)
    for kind, (pattern, exists) in _in_blocks(names).items():
        for found in sorted({match for code in blocks for match in pattern.findall(code)}):
            if not exists(found):
                yield f"{kind} {found} does not exist"
    commands = [command for code in blocks for line in code.splitlines() for command in _GIVEN.findall(line)]
    for option in sorted({found for command in commands for found in re.findall(r"(?<=\s)--[a-z][a-z0-9-]*", command)}):
        if option not in names.options:
            yield f"the option {option} does not exist"


def anchors(page: str) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    kept = (
        re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(re.sub(r"```[\s\S]*?```", "", page))
    )
    return frozenset(heading.strip().replace(" ", "-") for heading in kept)


def unknown_paths(names: Names, comments: str) -> Iterator[str]:
    """Yield a line for each source file that does not exist and that a configuration file's comments (``# …``) name."""
    for line in comments.splitlines():
        if line.lstrip().startswith("#"):
            yield from (f"{path} does not exist" for path in _PATH.findall(line) if not names.has_path(path))


def _in_blocks(names: Names) -> Mapping[str, tuple[re.Pattern[str], Callable[[str], bool]]]:
    return {
        "the setting": (_SETTING, names.settings.__contains__),
        "the metric": (_METRIC, names.has_metric),
        "the target of make": (_MAKE, names.targets.__contains__),
        "the command of faust": (_FAUST, names.faust_commands.__contains__),
        "the command of microblog": (_CLI, names.cli_commands.__contains__),
        "the path": (_CALLED, names.serves),
        "the field": (_KEY, names.has_field),
    }


def _unknown(spans: list[str], names: Names) -> Iterator[str]:
    for span in sorted(set(spans)):
        if _PATH.fullmatch(span) or _FOLDER.fullmatch(span):
            exists = names.has_path(span)
        elif url := _URL.fullmatch(span):
            exists = names.has_url(url[1])
        elif (identifier := _IDENTIFIER.fullmatch(span)) and not _METRIC.match(span):
            exists = identifier[1] in names.words
        elif camel := _CAMEL.fullmatch(span):
            exists = names.has_field(camel[1])
        elif option := _OPTION.fullmatch(span):
            exists = option[1] in names.options
        else:
            continue
        if not exists:
            yield f"`{span}` does not exist"
