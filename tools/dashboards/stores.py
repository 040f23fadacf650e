"""PostgreSQL, Cassandra, Redis and Kafka, as the workers see them."""

from typing import Final

from tools.dashboards.panels import (
    WORKERS,
    Dashboard,
    Panel,
    Query,
    Row,
    Shape,
    gauge,
    graph,
    quantile,
    quantiles,
    rate,
)

DASHBOARD: Final = Dashboard(
    "stores",
    "stores",
    "PostgreSQL, Cassandra, Redis and Kafka, as the workers see them.",
    [
        Row(
            "Reached",
            [
                graph(
                    *("Up", "1 if the store answers every worker.", "short"),
                    *(gauge("microblog_store_up", "min", "store"), "{{store}}"),
                ),
                Panel(
                    "Circuits open",
                    "1 where some worker refuses calls of a store that does not answer.",
                    "short",
                    [Query(gauge("microblog_circuit_open", "max", "store"), "{{store}}")],
                    alarming=1,
                ),
                Panel(
                    "Failed calls",
                    "A second, by what went wrong.",
                    "ops",
                    [Query(rate("microblog_store_errors_total", "store", "error"), "{{store}} {{error}}")],
                    empty_unless="a call failed since the worker's start",
                ),
            ],
        ),
        Row(
            "Calls",
            [
                graph(
                    *("Calls", "Operations a second.", "ops"),
                    *(rate("microblog_store_call_seconds_count", "store"), "{{store}}", 12),
                ),
                Panel(
                    "Time of a call", "By store.", "s", quantiles("microblog_store_call_seconds", "store"), columns=12
                ),
                Panel(
                    "Slowest operations",
                    "The ten operations with the highest p99.",
                    "s",
                    [
                        Query(
                            f"topk(10, {quantile(0.99, 'microblog_store_call_seconds', 'store', 'operation')})",
                            "{{store}} {{operation}}",
                        )
                    ],
                    Shape.TABLE,
                    columns=12,
                ),
                Panel(
                    "Redis: what happened",
                    "Within an hour: circuits that opened, pipelines that failed, connections opened anew, runs seen.",
                    "short",
                    [
                        Query(f"sum(increase(microblog_circuit_openings_total{{{WORKERS}}}[1h]))", "circuits opened"),
                        Query(
                            f"sum(increase(microblog_redis_pipelines_failed_total{{{WORKERS}}}[1h]))",
                            "pipelines failed",
                        ),
                        Query(f"sum(increase(microblog_redis_renewals_total{{{WORKERS}}}[1h]))", "renewals"),
                        Query(f"max(microblog_redis_runs_total{{{WORKERS}}})", "runs seen"),
                    ],
                    columns=12,
                ),
            ],
        ),
        Row(
            "Search",
            [
                Panel(
                    "Documents",
                    "Written into the search index, a second.",
                    "ops",
                    [Query(rate("microblog_search_documents_total", "kind"), "{{kind}}")],
                    empty_unless="a search indexer runs",
                ),
                Panel(
                    "From post to index",
                    "From a post's creation until the engine has it; a search finds it up to a second later.",
                    "s",
                    quantiles("microblog_search_index_seconds"),
                    empty_unless="a search indexer runs",
                ),
            ],
        ),
        Row(
            "Timelines",
            [
                Panel(
                    "Reads by state",
                    "Reads of a timeline's list a second.",
                    "ops",
                    [Query(rate("microblog_timeline_reads_total", "state"), "{{state}}")],
                    stacked=True,
                ),
                Panel(
                    "Time of a rebuild",
                    "From the first read of a cold timeline to the end of its rebuild.",
                    "s",
                    quantiles("microblog_rebuild_seconds"),
                    empty_unless="a timeline was rebuilt in the time shown",
                ),
                Panel(
                    "Rebuilds",
                    "A second by outcome, and those that run now.",
                    "short",
                    [
                        Query(rate("microblog_rebuilds_total", "outcome"), "{{outcome}}"),
                        Query(gauge("microblog_rebuilds_running", "sum"), "running"),
                    ],
                ),
            ],
        ),
    ],
)
