"""Where a post matches a query: found in the text itself, by the analysis that indexed it, so no engine is asked."""

from collections.abc import Iterable, Iterator, Sequence

from microblog_streams.search.analysis import Token, is_single_letter, mentions, tags, tokens
from microblog_streams.search.query import Phrase, Query

#: Code points of a text, from the first up to the second (exclusive).
Span = tuple[int, int]


def highlights(query: Query, text: str) -> list[Span]:
    """Return the places of what the query requires: in order, none touching the next."""
    required, found = query.required, list(tokens(text))
    spans = [*_equal(tags(text), required.tags), *_equal(mentions(text), required.mentions)]
    for phrase in required.phrases:
        spans += places(found, phrase)
    return _merged(sorted(spans))


def places(found: Sequence[Token], phrase: Phrase) -> Iterator[Span]:
    """Yield where a phrase occurs among a text's tokens; a letter of an unspaced script is the first of its term."""
    if len(phrase) == 1 and is_single_letter(phrase[0]):
        yield from ((token.start, token.start + len(phrase[0])) for token in found if token.term.startswith(phrase[0]))
        return
    terms = tuple(token.term for token in found)
    for start in range(len(terms) - len(phrase) + 1):
        if terms[start : start + len(phrase)] == phrase:
            yield found[start].start, found[start + len(phrase) - 1].end


def _equal(found: Iterable[Token], wanted: Sequence[str]) -> list[Span]:
    return [(token.start, token.end) for token in found if token.term in wanted]


def _merged(spans: Sequence[Span]) -> list[Span]:
    apart: list[Span] = []
    for start, end in spans:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(apart[-1][1], end))
        else:
            apart.append((start, end))
    return apart
