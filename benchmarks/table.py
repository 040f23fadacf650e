"""The results as the table of docs/results.md."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.figures import milliseconds, percentile

#: Names of the processes in the table; everything else is a worker.
_PARTS = {"kafka": "Kafka", "cassandra": "Cassandra", "postgres": "PostgreSQL (all processes)", "valkey": "Valkey"}


def table(results: Mapping[str, Any]) -> str:
    """Return Markdown: a line that names machine and versions, and the table."""
    machine, versions = results["machine"], results["versions"]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    head = f"{machine['cores']} cores, {machine['memory']} GiB. {named}."
    rows = [*_starts(results), *_import(results), *_memory(results), *_most_followed(results), *_loads(results)]
    return "\n".join([head, "", "| what | result |", "|---|---|", *(f"| {what} | {result} |" for what, result in rows)])


def _starts(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    starts = results["starts"]
    yield "`make run` until ready, empty data folder", f"{starts['empty']:.1f} s"
    yield "the same, second start", f"{starts['again']:.1f} s"
    yield "the same, with the imported graph and all posts", f"{starts['full']:.1f} s"


def _import(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    figures = results["import"]
    yield "import", f"{figures['people']:,} people, {figures['follows']:,} follows"
    yield "edges into PostgreSQL, with their events", f"{figures['stored per second']:,.0f}/s"
    yield (
        "edges until all are in the followers table and acknowledged",
        f"{figures['applied per second']:,.0f}/s ({figures['seconds']:.0f} s in all)",
    )


def _memory(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, figures in results["memory"].items():
        shared = f" (PSS {figures['pss']:.0f})" if round(figures["pss"]) < 0.9 * figures["rss"] else ""
        yield f"RSS after the import: {_PARTS.get(name, 'worker')}", f"{figures['rss']:.0f} MiB{shared}"


def _most_followed(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    figures = results["most followed"]
    p50, p99 = (milliseconds(percentile(figures["times"], percent)) for percent in (50, 99))
    yield (
        f"post by the most followed person until all {figures['followers']:,} followers have it",
        f"p50 {p50}, p99 {p99} ({figures['posts']} posts, one after the other)",
    )


def _loads(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, call in (("post", "POST /posts/"), ("timeline", "GET /timelines/{id}")):
        figures = results[name]
        others = sum(sum(one["others"].values()) for one in figures["rounds"])
        yield (
            f"`{call}`, {figures['clients']} clients",
            f"p50 {milliseconds(figures['p50'])}, p99 {milliseconds(figures['p99'])}, {figures['rate']:,.0f}/s"
            f"{f', {others} not answered well' if others else ''}",
        )
