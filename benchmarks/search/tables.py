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
            "\n".join(_table(("what", "result"), [*_filled(figures), *_memory(figures["memory"])])),
            head,
            "\n".join(_table(("query", "count", "p50", "p99", "longest"), _queries(asked))),
            "\n".join(_table(("hashtags of", "posts", "p50", "p99", "engine's CPU"), _aggregations(figures))),
            "\n".join(_table(("hostile, over REST", "status", "median", "longest"), _hostile(figures["hostile"]))),
        ]
    )


def live(figures: Figures) -> str:
    """Return Markdown: freshness, a backlog, memory."""
    rows = [*_freshness(figures["freshness"]), *_backlog(figures["backlog"]), *_memory(figures["memory"])]
    return "\n".join(_table(("what", "result"), rows))


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


def _filled(figures: Figures) -> Iterator[tuple[str, str]]:
    fill = figures["fill"]
    yield (
        "posts written by the store's bulk requests, one process",
        f"{fill['posts per second']:,.0f}/s; engine {fill['engine cpu us a post']:.0f} us of CPU a post",
    )
    for kind, size in figures["sizes"].items():
        yield f"index of {kind}, a document", f"{size['bytes'] / size['documents']:.0f} bytes"


def _freshness(told: Figures) -> Iterator[tuple[str, str]]:
    times = ", ".join(f"{name} {milliseconds(told[name])}" for name in ("p50", "p99", "longest"))
    yield (
        f"from POST to found, {told['rate']:g} posts/s",
        f"{times} ({told['found']:,} of {told['posts']:,} posts)",
    )


def _memory(told: Figures) -> Iterator[tuple[str, str]]:
    for name in ("opensearch", "indexer"):
        if name in told["processes"]:
            yield f"RSS: {name}", f"{told['processes'][name]['rss']:.0f} MiB"
    yield "the engine's heap", f"{told['heap']['used']:.0f} of {told['heap']['most']:.0f} MiB"


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


def _hostile(asked: Figures) -> Iterator[tuple[str, ...]]:
    for name, told in asked.items():
        statuses = ", ".join(sorted(told["statuses"]))
        yield (name, statuses, milliseconds(told["median"]), milliseconds(told["longest"]))
