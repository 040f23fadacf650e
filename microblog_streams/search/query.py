"""The query language: words, "phrases", #tags, @names, from:name, after: and before: dates, and - in front of each.

All parts of a query must apply. There is no nesting, no "or", and no wildcard; the parser makes a flat ``Query`` of a
bounded number of terms, from which the stores build their requests. So nothing that a client writes reaches an engine's
own query syntax.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Final

import regex

from microblog_streams.domain.errors import Invalid
from microblog_streams.operations import validation
from microblog_streams.search.analysis import ATS, HASHES, fold, mentions, tags, tokens

#: Code points of a query, and terms in it; a phrase of a script without spaces has one for each two letters.
MAX_QUERY: Final = 256
MAX_TERMS: Final = 48

#: What stands between spaces, or within quotes.
_PART: Final = regex.compile(r'\s*(?P<minus>-?)(?:(?P<quote>")(?P<phrase>[^"]*)(?P<end>"?)|(?P<word>[^\s"]+))')
_OPERATOR: Final = regex.compile(r"(?i)(from|after|before):(.*)", regex.S)
_FORBIDDEN: Final = regex.compile(r"[\p{Cc}--[\t\n\r]]|\p{Cs}", regex.V1)
_DATE: Final = regex.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


#: Terms that stand next to each other in this order; a word is one of a single term.
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clauses:
    """What posts must have, or what they must not have."""

    phrases: tuple[Phrase, ...] = ()
    tags: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    #: Keys of the authors' names.
    authors: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of terms."""
        return sum(map(len, self.phrases)) + len(self.tags) + len(self.mentions) + len(self.authors)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. A post is found if it has everything ``required`` and nothing ``excluded``."""

    required: Clauses = field(default_factory=Clauses)
    excluded: Clauses = field(default_factory=Clauses)
    #: Times of the posts: from ``after`` (inclusive) up to ``before`` (exclusive).
    after: datetime | None = None
    before: datetime | None = None


def syntax_error(position: int, message: str) -> Invalid:
    """Return the error for a place of the query; ``position`` counts code points from 0, the message from 1."""
    return Invalid("q", f"at character {position + 1}: {message}")


def parse(text: str) -> Query:
    """Return the query. Raises Invalid (``q``), which names the place of the error."""
    _check_text(text)
    query, position = Query(), 0
    while (match := _PART.match(text, position)) is not None:
        query = _with_part(query, match)
        position = match.end()
        if query.required.size + query.excluded.size > MAX_TERMS:
            raise syntax_error(match.start(), f"the query has more than {MAX_TERMS} terms")
    if query == Query():
        raise Invalid("q", 'has nothing to search for: write a word, a "phrase", #tag, @name or from:name')
    return query


def _check_text(text: str) -> None:
    if len(text) > MAX_QUERY:
        raise Invalid("q", f"is longer than {MAX_QUERY} characters")
    if found := _FORBIDDEN.search(text):
        raise syntax_error(found.start(), f"U+{ord(found.group()):04X} is not allowed")


def _with_part(query: Query, match: "regex.Match[str]") -> Query:
    """Return the query with one part more: a phrase, an operator or a word."""
    position, negated = match.end("minus"), bool(match.group("minus"))
    if match.group("quote"):
        if not match.group("end"):
            raise syntax_error(position, 'this " has no closing one')
        return _added(query, negated, position, phrases=_phrase(match.group("phrase"), position))
    word = match.group("word")
    if word.startswith("-"):
        raise syntax_error(position, "- cannot be repeated" if negated else "there is nothing to exclude behind -")
    if operator := _OPERATOR.fullmatch(word):
        return _with_operator(query, negated, position, operator.group(1).lower(), operator.group(2))
    if "*" in word:
        raise syntax_error(position + word.index("*"), "* is not supported: words are found as a whole")
    return _with_word(query, negated, position, word)


def _with_word(query: Query, negated: bool, position: int, word: str) -> Query:
    if word[0] in HASHES and (found := list(tags(word))) and found[0].end == len(word):
        return _added(query, negated, position, tags=(found[0].term,))
    if word[0] in ATS and (found := list(mentions(word))) and found[0].end == len(word):
        return _added(query, negated, position, mentions=(found[0].term,))
    return _added(query, negated, position, phrases=_phrase(word, position))


def _phrase(text: str, position: int) -> tuple[Phrase, ...]:
    """Return the terms of a text as one phrase: ``l'amour`` or a word of an unspaced script has several."""
    found = list(tokens(text))
    if len(found) > 1 and found[-2].end == found[-1].end:
        found.pop()  # the last letter of a run: more letters may follow in the post
    return (tuple(token.term for token in found),) if found else ()


def _added(query: Query, negated: bool, position: int, **more: tuple[object, ...]) -> Query:
    if negated and not any(more.values()):
        raise syntax_error(position, "there is nothing to exclude behind -")
    clauses = query.excluded if negated else query.required
    merged = {name: tuple(dict.fromkeys((*getattr(clauses, name), *added))) for name, added in more.items()}
    changed = replace(clauses, **merged)
    return replace(query, excluded=changed) if negated else replace(query, required=changed)


def _with_operator(query: Query, negated: bool, position: int, name: str, value: str) -> Query:
    place = position + len(name) + 1
    if not value:
        raise syntax_error(place, f"{name}: needs a {'name' if name == 'from' else 'date'} behind it")
    if name == "from":
        return _added(query, negated, position, authors=(_author(value, place),))
    if negated:
        raise syntax_error(position - 1, f"{name}: cannot be excluded")
    at = _day(value, place)
    if name == "after":
        return replace(query, after=max(at, query.after or at))
    return replace(query, before=min(at, query.before or at))


def _author(value: str, place: int) -> str:
    try:
        return validation.username(value.removeprefix("@"))[1]
    except Invalid as exc:
        raise syntax_error(place, f"not a username: {exc.message}") from None


def _day(value: str, place: int) -> datetime:
    """Return the beginning of a day in UTC."""
    try:
        if not _DATE.fullmatch(value):
            raise ValueError
        return datetime.combine(date.fromisoformat(value), time(), UTC)
    except ValueError:
        raise syntax_error(place, "not a date; write 2026-11-30") from None


@dataclass(frozen=True, slots=True)
class NameQuery:
    """What is looked for among the users: a part of a name, folded."""

    name: str

    @property
    def grams(self) -> Sequence[str]:
        """Its trigrams, by which similar names are found; none of a name of fewer than three letters."""
        return trigrams(self.name)


def parse_name(text: str) -> NameQuery:
    """Return the query for users. Raises Invalid (``q``)."""
    _check_text(text)
    name = fold(text.strip().removeprefix("@"))[: validation.MAX_USERNAME]
    if not name:
        raise Invalid("q", "has nothing to search for: write a name, or its beginning")
    return NameQuery(name)


def trigrams(name: str) -> list[str]:
    """Return the distinct parts of three neighbouring letters of a folded name, in order."""
    return list(dict.fromkeys(name[start : start + 3] for start in range(len(name) - 2)))
