"""From an accepted post to the timelines of its author's followers, and what holds events up."""

from typing import Final

from tools.dashboards.panels import NO_INDEXER, WORKERS, Dashboard, Panel, Query, Row, gauge, graph, quantiles, rate

DASHBOARD: Final = Dashboard(
    "delivery",
    "delivery",
    "From an accepted post to the timelines of its author's followers, and what holds events up.",
    [
        Row(
            "Posts",
            [
                Panel(
                    "From post to last push",
                    "Time from a post's acceptance to the last push of its fan-out. A point is one event, with its id.",
                    "s",
                    quantiles("microblog_delivery_seconds", exemplars=True),
                    alarming=1,
                ),
                Panel(
                    "Followers of a post's author",
                    "At the fan-out of each post.",
                    "short",
                    quantiles("microblog_fan_out_followers"),
                ),
                Panel(
                    "Pushes",
                    "Entries a second: all, those to cold timelines (which take nothing), late ones (which cost more).",
                    "ops",
                    [
                        Query(rate("microblog_pushes_total"), "all"),
                        Query(rate("microblog_pushes_cold_total"), "cold"),
                        Query(rate("microblog_pushes_late_total"), "late"),
                    ],
                ),
            ],
        ),
        Row(
            "Events",
            [
                graph(
                    *("Not committed", "Records by topic.", "short"),
                    *(gauge("microblog_consumer_lag_records", "sum", "topic", where=NO_INDEXER), "{{topic}}"),
                ),
                Panel(
                    "Since the last commit",
                    "The longest of each topic's partitions, while there is something to commit.",
                    "s",
                    [Query(gauge("microblog_commit_age_seconds", "max", "topic", where=NO_INDEXER), "{{topic}}")],
                    alarming=60,
                ),
                graph(
                    *("Not acknowledged", "Events in flight, or done and held for the ack hold.", "short"),
                    *(gauge("microblog_events_unacked", "sum", "instance"), "{{instance}}"),
                ),
                Panel(
                    "Effects repeated",
                    "Tries that failed, a second, by the store that was unavailable.",
                    "ops",
                    [Query(rate("microblog_effects_retried_total", "store"), "{{store}}")],
                    empty_unless="a store failed since the worker's start",
                ),
                Panel(
                    "Halted partitions",
                    "Partitions that stand at an event that fails for a lasting reason.",
                    "short",
                    [Query(gauge("microblog_lane_halted", "max", "lane", where=NO_INDEXER), "{{lane}}")],
                    alarming=1,
                    empty_unless="a partition is halted",
                ),
                Panel(
                    "What should stay 0",
                    "Within an hour: effects that outlived their lease, dead letters written, standstills reported.",
                    "short",
                    [
                        Query(
                            f"sum(increase(microblog_effects_outlived_lease_total{{{WORKERS}}}[1h]))",
                            "outlived a lease",
                        ),
                        Query(f"sum(increase(microblog_dead_letters_written_total{{{WORKERS}}}[1h]))", "dead letters"),
                        Query(f"sum(increase(microblog_commit_standstills_total{{{WORKERS}}}[1h]))", "standstills"),
                    ],
                ),
            ],
        ),
        Row(
            "Outbox and rebalances",
            [
                graph(
                    *("Outbox: depth", "Committed changes that are not in Kafka yet.", "short"),
                    *(gauge("microblog_outbox_depth", "max"), "changes"),
                ),
                Panel(
                    "Outbox: age",
                    "Of its oldest change.",
                    "s",
                    [Query(gauge("microblog_outbox_age_seconds", "max"), "oldest")],
                    alarming=30,
                ),
                graph(
                    *("Relay", "The worker that publishes the outbox.", "short"),
                    *(gauge("microblog_relay_leading", "max", "instance"), "{{instance}}"),
                ),
                graph(
                    *("Rebalances", "Within an hour, by worker.", "short"),
                    *(f"sum by (instance) (increase(microblog_rebalances_total{{{WORKERS}}}[1h]))", "{{instance}}"),
                ),
                graph(
                    *("Time without partitions", "Share of the time that a worker spent in rebalances.", "percentunit"),
                    *(rate("microblog_unassigned_seconds_total", "instance"), "{{instance}}"),
                ),
                Panel(
                    "Dead letters",
                    "Open ones, of all workers.",
                    "short",
                    [Query(gauge("microblog_dead_letters_open", "max"), "open")],
                    alarming=1,
                ),
            ],
        ),
    ],
)
