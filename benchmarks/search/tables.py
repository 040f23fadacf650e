"""The figures of search as the tables of docs/results.md."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.figures import milliseconds
from benchmarks.report import Figures


def index(figures: Figures) -> str:
    """Return Markdown: the index in general, the queries, the hashtags' aggregation."""
    fill, asked = figures["fill"], figures["queries"]
    head = (
        f"{fill['posts']:,} posts, {fill['users']:,} users; {asked['clients']} clients, {asked['rate']:,.0f} queries/s"
    )
    return "\n\n".join(
        [
            "\n".join(_table(("what", "result"), [*_general(figures), *_backlog(figures["backlog"])])),
            head,
            "\n".join(_table(("query", "count", "p50", "p99", "longest"), _queries(asked))),
            "\n".join(_table(("hashtags of", "posts", "p50", "p99", "engine's CPU"), _aggregations(figures))),
        ]
    )


def backlog(figures: Figures) -> str:
    """Return Markdown: the backlog alone."""
    return "\n".join(_table(("what", "result"), _backlog(figures["backlog"])))


def pair(figures: Figures) -> str:
    """Return Markdown: each load, with search over without it."""
    rows = []
    for load, ratios in figures["ratios"].items():
        each = [
            f"{_percent(one['median'])} ({_percent(one['least'])} to {_percent(one['greatest'])})"
            for one in ratios.values()
        ]
        rows.append((load, *each))
    names = next(iter(figures["ratios"].values()))
    return "\n".join(_table(("load", *(name.replace(" cpu", "'s CPU a call") for name in names)), rows))


def _percent(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f} %"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(row)} |"


def _general(figures: Figures) -> Iterator[tuple[str, str]]:
    fill, fresh, memory = figures["fill"], figures["freshness"], figures["memory"]
    yield "posts written by the store's bulk requests, one process", f"{fill['posts per second']:,.0f}/s"
    yield (
        f"from POST to found, {fresh['rate']:g} posts/s",
        f"p50 {milliseconds(fresh['p50'])}, p99 {milliseconds(fresh['p99'])}, longest {milliseconds(fresh['longest'])} "
        f"({fresh['found']:,} of {fresh['posts']:,} posts)",
    )
    for name in ("opensearch", "indexer"):
        yield f"RSS: {name}", f"{memory['processes'][name]['rss']:.0f} MiB"
    yield "the engine's heap", f"{memory['heap']['used']:.0f} of {memory['heap']['most']:.0f} MiB"
    for kind, size in figures["sizes"].items():
        yield f"index of {kind}, a document", f"{size['bytes'] / size['documents']:.0f} bytes"


def _backlog(figures: Figures) -> Iterator[tuple[str, str]]:
    cpu = figures["cpu us a post"]
    yield f"backlog of {figures['posts']:,} posts, by the indexer", f"{figures['rate']:,.0f} posts/s"
    yield (
        "CPU of a post of it",
        f"indexer {cpu['indexer']:.0f} us, engine {cpu['opensearch']:.0f} us, Kafka {cpu['kafka']:.0f} us",
    )


def _queries(asked: Figures) -> Iterator[tuple[str, ...]]:
    rows: Mapping[str, Figures] = {
        **asked["kinds"],
        "**all of these**": asked["all"],
        **{f"hostile: {name}": told for name, told in asked["hostile"].items()},
        "**all of the above the hostile ones, beside them**": asked["all beside"],
    }
    for name, told in rows.items():
        times = (milliseconds(told[which]) for which in ("p50", "p99", "longest"))
        yield (name, f"{told['count']:,}", *times)


def _aggregations(figures: Figures) -> Iterator[tuple[str, ...]]:
    for name, told in figures["aggregations"].items():
        cpu = f"{told['engine cpu ms']:.1f} ms"
        yield (name, f"{told['posts']:,}", milliseconds(told["p50"]), milliseconds(told["p99"]), cpu)
