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

#: Selects the search indexers.
INDEXERS: Final = 'job="microblog-search"'

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
                    alarming=30,
                    empty_unless="a search indexer runs",
                ),
                Panel(
                    "Not indexed",
                    "Records by topic that the indexer has not committed.",
                    "short",
                    [Query("sum by (topic) (microblog:search_lag_records:sum)", "{{topic}}")],
                    alarming=1_000,
                    empty_unless="a search indexer runs",
                ),
                Panel(
                    "Since the indexer's last commit",
                    "The longest of each topic's partitions, while there is something to commit.",
                    "s",
                    [Query(f"max by (topic) (microblog_commit_age_seconds{{{INDEXERS}}})", "{{topic}}")],
                    alarming=30,
                    empty_unless="a search indexer runs",
                ),
                Panel(
                    "Time of a write and of a search",
                    "A bulk request of the indexer, and what workers ask the engine; 99th percentile.",
                    "s",
                    [
                        Query(
                            quantile(0.99, "microblog_store_call_seconds", "operation", where='store="search"'),
                            "{{operation}}",
                        )
                    ],
                    empty_unless="there is a search",
                ),
                Panel(
                    "What goes wrong",
                    "Tries to write that failed, a second, and dead letters of the indexer within an hour.",
                    "short",
                    [
                        Query(
                            f"sum by (store) (rate(microblog_effects_retried_total{{{INDEXERS}}}[$__rate_interval]))",
                            "tries without {{store}}",
                        ),
                        Query(f"sum(increase(microblog_dead_letters_written_total{{{INDEXERS}}}[1h]))", "dead letters"),
                    ],
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
