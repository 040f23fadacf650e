"""Calls by route, method and status, limits and connections."""

from typing import Final

from tools.dashboards.panels import CALLS, Dashboard, Panel, Query, Row, gauge, graph, quantile, quantiles, rate

DASHBOARD: Final = Dashboard(
    "http",
    "HTTP",
    "Calls by route, method and status, limits and connections.",
    [
        Row(
            "Calls",
            [
                graph(
                    *("Calls by route", "A second.", "ops"),
                    *(rate("microblog_http_request_seconds_count", "method", "route"), "{{method}} {{route}}"),
                ),
                Panel(
                    "Calls by status",
                    "A second.",
                    "ops",
                    [Query(rate("microblog_http_request_seconds_count", "status"), "{{status}}")],
                    stacked=True,
                ),
                Panel(
                    "Calls that fail, by route",
                    "5xx a second.",
                    "ops",
                    [
                        Query(
                            rate("microblog_http_request_seconds_count", "method", "route", where='status=~"5.."'),
                            "{{method}} {{route}}",
                        )
                    ],
                    empty_unless="a call answered 5xx since the worker's start",
                ),
            ],
        ),
        Row(
            "Times",
            [
                Panel("All calls", "Of the API.", "s", quantiles("microblog_http_request_seconds", where=CALLS)),
                Panel(
                    "p99 by route",
                    "Of the API.",
                    "s",
                    [
                        Query(
                            quantile(0.99, "microblog_http_request_seconds", "method", "route", where=CALLS),
                            "{{method}} {{route}}",
                        )
                    ],
                    columns=16,
                ),
            ],
        ),
        Row(
            "Callers",
            [
                graph(
                    *("Refused by a limit", "Calls a second, by the limit.", "ops"),
                    *(rate("microblog_requests_limited_total", "budget"), "{{budget}}"),
                ),
                Panel(
                    "Connections",
                    "Open ones, by worker, and readers of live timelines.",
                    "short",
                    [
                        Query(gauge("microblog_connections", "sum", "instance"), "{{instance}}"),
                        Query(gauge("microblog_live_readers", "sum"), "live readers"),
                    ],
                ),
                Panel(
                    "Connections refused or cut",
                    "A second: refused, because there were too many; cut, because the client was too slow.",
                    "ops",
                    [
                        Query(rate("microblog_connections_refused_total", "reason"), "refused {{reason}}"),
                        Query(rate("microblog_connections_cut_total", "reason"), "cut {{reason}}"),
                    ],
                ),
            ],
        ),
    ],
)
