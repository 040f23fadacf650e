"""What ``make run`` says when all is ready: where it is, and three lines to paste."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from microblog_streams.config.settings import PREFIX

_CURL = "curl -sw '\\n'"
_JSON = "-H 'Content-Type: application/json' -d"
#: Takes the token out of an answer, with what every shell has.
_TAKEN = """| grep -o 'mb_[^"]*'"""


def greeting(url: str, users: Sequence[int], issue: str | None) -> list[str]:
    """Return three curl lines that work in their order; ``users`` are ids of people who are there already.

    On a fresh system they register two people, who get the ids 1 and 2. ``issue`` is the command that gives a user
    (named after it) a token; None where nobody needs one.
    """
    author, reader = (users[0], users[-1]) if users else (1, 2)
    post = f"""{_at(url, "posts/")} {_by("AUTHOR", issue)}{_JSON} '{{"userId": {author}, "content": "Hello, world"}}'"""
    follow = f"{_CURL} -X POST {_at(url, f'users/{reader}/follow/{author}')} {_by('READER', issue)}--next -sw '\\n' "
    return [
        _known(url, author, reader, issue) if users else _new(url, issue),
        (follow if author != reader else f"{_CURL} ") + post,
        f"sleep 1; {_CURL} {_by('READER', issue)}{_at(url, f'timelines/{reader}')}",
    ]


def issuing(data_dir: Path) -> str:
    """Return the command that gives a user a token, wherever it is pasted."""
    where, python = shlex.quote(str(data_dir.absolute())), shlex.quote(sys.executable)
    return f"{PREFIX}DATA_DIR={where} {python} -m faust -A microblog_streams issue-token"


def _at(url: str, path: str) -> str:
    """Return a URL for the shell, which would take the brackets of IPv6 for a pattern."""
    return shlex.quote(f"{url}/{path}")


def _by(variable: str, issue: str | None) -> str:
    return f'-H "Authorization: Bearer ${variable}" ' if issue else ""


def _new(url: str, issue: str | None) -> str:
    calls = [f"""{_at(url, "users/")} {_JSON} '{{"username": "{name}"}}'""" for name in ("ada", "grace")]
    if issue is None:
        return f"{_CURL} {calls[0]} --next -sw '\\n' {calls[1]}"
    return f"AUTHOR=$(curl -s {calls[0]} {_TAKEN}); READER=$(curl -s {calls[1]} {_TAKEN})"


def _known(url: str, author: int, reader: int, issue: str | None) -> str:
    if issue is None:
        return f"{_CURL} {_at(url, f'users/{author}')} {_at(url, f'users/{reader}')}"
    return f"AUTHOR=$({issue} {author}); READER=$({issue} {reader})"
