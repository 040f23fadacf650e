"""Queries as the engine's JSON: a few fixed shapes, so nothing that a client writes is more than a value in one.

No request uses scripts, wildcards, regular expressions or the engines' query strings. The number of clauses is bounded
by the parser (``query.MAX_TERMS``).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from microblog_streams.domain.ids import post_millis
from microblog_streams.search.analysis import is_single_letter
from microblog_streams.search.index import PostFilter
from microblog_streams.search.query import Clauses, NameQuery, Phrase

Json = dict[str, Any]

#: Ranks of the ways in which a name is found, far above the number of trigrams of the longest name.
_SAME, _BEGINS = 10_000.0, 1_000.0
#: Share of the trigrams of a name that a similar one must have.
_SIMILAR: Final = "60%"
#: Seconds after which the engine gives a search up, below the store's time-out.
_SEARCH_SECONDS: Final = "1800ms"


def newest_posts(wanted: PostFilter, before: UUID | None, limit: int) -> Json:
    """Return the search for the newest posts below ``before``."""
    after = {"search_after": [post_millis(before), str(before)]} if before else {}
    return _search(_filter(wanted, scored=False), limit, [{"created": "desc"}, {"id": "desc"}]) | after


def best_posts(wanted: PostFilter, limit: int) -> Json:
    """Return the search for the posts with the highest scores (BM25)."""
    return _search(_filter(wanted, scored=True), limit, ["_score", {"created": "desc"}, {"id": "desc"}])


def users(wanted: NameQuery, limit: int) -> Json:
    """Return the search for users."""
    ways = [
        _ranked({"term": {"names": wanted.name}}, _SAME),
        _ranked({"prefix": {"names": wanted.name}}, _BEGINS),
    ]
    if wanted.grams:
        each = [_ranked({"term": {"grams": gram}}, 1.0) for gram in wanted.grams]
        ways.append({"bool": {"should": each, "minimum_should_match": _SIMILAR}})
    return _search({"dis_max": {"queries": ways}}, limit, ["_score", {"followers": "desc"}, {"user": "asc"}])


def tag_uses(since: datetime, until: datetime, limit: int) -> Json:
    """Return the aggregation of hashtags; ``limit`` is the number of tags."""
    by_tag = {
        "terms": {"field": "tags", "size": limit, "shard_size": 2 * limit, "order": {"authors": "desc"}},
        "aggs": {"authors": {"cardinality": {"field": "author", "precision_threshold": 1_000}}},
    }
    period = {"range": {"created": {"gte": _millis(since), "lt": _millis(until)}}}
    return {"query": period, "size": 0, "timeout": _SEARCH_SECONDS, "aggs": {"tags": by_tag}}


def _search(query: Json, limit: int, sort: Sequence[Any]) -> Json:
    return {
        "query": query,
        "size": limit,
        "sort": list(sort),
        "_source": False,
        "track_total_hits": False,
        "timeout": _SEARCH_SECONDS,
    }


def _filter(wanted: PostFilter, scored: bool) -> Json:
    query = wanted.query
    required = list(_clauses(query.required))
    by: list[Json] = [{"term": {"author": wanted.author}}] if wanted.author is not None else []
    excluded = [*_clauses(query.excluded), *({"term": {"author": author}} for author in wanted.not_by)]
    period = {"gte": _millis(query.after) if query.after else 0} | (
        {"lt": _millis(query.before)} if query.before else {}
    )
    # The range has another use: deleted posts have no time, so none of them is found.
    filters = [{"range": {"created": period}}, *by]
    if scored:
        return {"bool": {"must": required, "filter": filters, "must_not": excluded}}
    return {"bool": {"filter": [*filters, *required], "must_not": excluded}}


def _clauses(clauses: Clauses) -> Iterator[Json]:
    yield from (_phrase(phrase) for phrase in clauses.phrases)
    yield from ({"term": {"tags": tag}} for tag in clauses.tags)
    yield from ({"term": {"mentions": name}} for name in clauses.mentions)


def _phrase(phrase: Phrase) -> Json:
    if len(phrase) > 1:
        return {"match_phrase": {"terms": " ".join(phrase)}}
    if is_single_letter(phrase[0]):
        return {"prefix": {"terms": phrase[0]}}
    return {"term": {"terms": phrase[0]}}


def _ranked(query: Json, rank: float) -> Json:
    return {"constant_score": {"filter": query, "boost": rank}}


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1_000)
