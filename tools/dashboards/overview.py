"""Whether users are well, and where to look if they are not."""

from typing import Final

from tools.dashboards.panels import CALLS, Dashboard, Panel, Query, Row, Shape, number, rate

DASHBOARD: Final = Dashboard(
    "overview",
    "overview",
    "Whether users are well, and what to look at if they are not.",
    [
        Row(
            "Now",
            [
                number("Workers", "Workers that answer Prometheus.", "short", 'sum(up{job="microblog"})'),
                number("Calls", "Calls of the API a second.", "ops", f"sum(microblog:calls:rate5m{{{CALLS}}})"),
                number(
                    *("Calls that fail", "Share of the API's calls that answer 5xx, of 5 minutes.", "percentunit"),
                    *("max(microblog:call_errors:ratio_rate5m)", 0.001),
                ),
                number(
                    *("Late deliveries", "Share of posts that took over 1 s, of 5 minutes.", "percentunit"),
                    *("max(microblog:late_deliveries:ratio_rate5m)", 0.01),
                ),
                number(
                    *("Delivery, p99", "From a post's acceptance to its last push.", "s"),
                    *("max(microblog:delivery_seconds:p99_5m)", 1),
                ),
                number(
                    *("Not committed", "Records of all topics that are not committed.", "short"),
                    "sum(microblog:consumer_lag_records:sum)",
                ),
                number("Outbox", "Age of the oldest change.", "s", "max(microblog_outbox_age_seconds)", 30),
                number("Dead letters", "Open ones.", "short", "max(microblog_dead_letters_open)", 1),
                number(
                    *("Timelines repaired", "By the reconciler, within a day: must be 0.", "short"),
                    *("sum(increase(microblog_timelines_repaired_total[1d]))", 1),
                ),
                number(
                    *("Stores that are away", "As some worker sees it.", "short"),
                    *("sum(min by (store) (microblog_store_up) == bool 0)", 1),
                ),
                number(
                    *("Circuits open", "Stores whose calls some worker refuses.", "short"),
                    *("sum(max by (store) (microblog_circuit_open))", 1),
                ),
                number("Relays", "Workers that publish the outbox: 1.", "short", "sum(microblog_relay_leading)"),
            ],
        ),
        Row(
            "Objectives",
            [
                Panel(
                    "Calls that fail",
                    "Objective: at most 0.1 % within 30 days.",
                    "percentunit",
                    [Query(f"max(microblog:call_errors:ratio_rate{each})", each) for each in ("5m", "1h", "6h", "3d")],
                    columns=12,
                    alarming=0.001,
                ),
                Panel(
                    "Deliveries that take over 1 s",
                    "Objective: at most 1 % within 30 days.",
                    "percentunit",
                    [
                        Query(f"max(microblog:late_deliveries:ratio_rate{each})", each)
                        for each in ("5m", "1h", "6h", "3d")
                    ],
                    columns=12,
                    alarming=0.01,
                ),
            ],
        ),
        Row(
            "Load",
            [
                Panel(
                    "Calls by status",
                    "Of the API, a second.",
                    "ops",
                    [Query(rate("microblog_http_request_seconds_count", "status", where=CALLS), "{{status}}")],
                    stacked=True,
                ),
                Panel(
                    "Posts, deliveries, pushes",
                    "A delivery is the fan-out of a post, a push one entry on one timeline.",
                    "ops",
                    [
                        Query(
                            rate(
                                "microblog_http_request_seconds_count",
                                where='route="/posts", method="POST", status="201"',
                            ),
                            "posts",
                        ),
                        Query(rate("microblog_delivery_seconds_count"), "deliveries"),
                        Query(rate("microblog_pushes_total"), "pushes"),
                    ],
                ),
                Panel(
                    "Alerts",
                    "Alerts that fire, or are about to.",
                    "short",
                    [
                        Query(
                            "sum by (alertname, severity, alertstate) (ALERTS)",
                            "{{alertname}} ({{severity}}, {{alertstate}})",
                        )
                    ],
                    Shape.TABLE,
                    empty_unless="something is wrong",
                ),
            ],
        ),
    ],
)
