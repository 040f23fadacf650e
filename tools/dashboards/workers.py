"""The processes, their tables, and what their audits find."""

from typing import Final

from tools.dashboards.panels import WORKERS, Dashboard, Panel, Query, Row, Shape, gauge, graph, quantile, rate

DASHBOARD: Final = Dashboard(
    "workers",
    "workers",
    "The processes, their tables, and what their audits find.",
    [
        Row(
            "Processes",
            [
                Panel(
                    "Who runs",
                    "Name, release, roles and topic set of each worker.",
                    "short",
                    [Query(f"microblog_worker_info{{{WORKERS}}}", "{{worker}}")],
                    Shape.TABLE,
                    columns=16,
                ),
                graph(
                    *("Ready", "1 if the worker serves calls.", "short"),
                    *(gauge("microblog_ready", "min", "instance"), "{{instance}}"),
                ),
                graph(
                    *("Processor", "Cores in use. A worker has no use for more than one, about.", "short"),
                    *(rate("process_cpu_seconds_total", "instance", where='job="microblog"'), "{{instance}}"),
                ),
                graph(
                    *("Memory", "Resident.", "bytes"),
                    *(
                        gauge("process_resident_memory_bytes", "sum", "instance", where='job="microblog"'),
                        "{{instance}}",
                    ),
                ),
                Panel(
                    "Event loop",
                    "How late tasks run that are due, 99th percentile.",
                    "s",
                    [Query(quantile(0.99, "microblog_event_loop_lag_seconds", "instance"), "{{instance}}")],
                    alarming=0.1,
                ),
                graph(
                    *("Full garbage collections", "A second.", "ops"),
                    *(
                        rate("python_gc_collections_total", "instance", where='job="microblog", generation="2"'),
                        *("{{instance}}", 12),
                    ),
                ),
                graph(
                    *("Open files", "By worker.", "short"),
                    *(gauge("process_open_fds", "sum", "instance", where='job="microblog"'), "{{instance}}", 12),
                ),
                Panel(
                    "Clock",
                    "Difference from PostgreSQL's, and steps back.",
                    "s",
                    [
                        Query(f"abs(microblog_clock_ahead_seconds{{{WORKERS}}})", "{{instance}}"),
                        Query(
                            f"sum(increase(microblog_clock_steps_back_total{{{WORKERS}}}[1h]))",
                            "steps back within an hour",
                        ),
                    ],
                    columns=12,
                    alarming=1,
                ),
                graph(
                    *("Disk", "Free space of the disk with the worker's folder.", "bytes"),
                    *(gauge("microblog_disk_free_bytes", "min", "instance"), "{{instance}}", 12),
                ),
            ],
        ),
        Row(
            "The followers table",
            [
                graph(
                    *("Rows", "Edges by worker, as RocksDB estimates them.", "short"),
                    *(gauge("microblog_table_rows", "sum", "instance"), "{{instance}}"),
                ),
                graph(
                    *("Bytes", "On disk and in memory.", "bytes"),
                    *(gauge("microblog_table_bytes", "sum", "instance"), "{{instance}}"),
                ),
                Panel(
                    "Recovery",
                    "Changelog records that are still to be read, and workers that are done.",
                    "short",
                    [
                        Query(gauge("microblog_recovery_remaining_records", "sum", "instance"), "{{instance}} to read"),
                        Query(gauge("microblog_tables_recovered", "sum"), "workers recovered"),
                        Query(
                            f"sum(increase(microblog_recovery_errors_total{{{WORKERS}}}[1h]))", "errors within an hour"
                        ),
                    ],
                ),
            ],
        ),
        Row(
            "Audits",
            [
                Panel(
                    "Timelines",
                    "Compared a second, and repaired within an hour (must be 0).",
                    "short",
                    [
                        Query(rate("microblog_timelines_checked_total"), "checked a second"),
                        Query(f"sum(increase(microblog_timelines_repaired_total{{{WORKERS}}}[1h]))", "repaired"),
                    ],
                ),
                graph(
                    *("Findings", "Wrong entries of repaired timelines within an hour.", "short"),
                    *(f"sum by (kind) (increase(microblog_timeline_findings_total{{{WORKERS}}}[1h]))", "{{kind}}"),
                ),
                Panel(
                    "Edges",
                    "Within an hour: partitions compared with PostgreSQL, rows compared, rows lost; rows in doubt now.",
                    "short",
                    [
                        Query(
                            f"sum by (outcome) (increase(microblog_edge_audits_total{{{WORKERS}}}[1h]))", "{{outcome}}"
                        ),
                        Query(f"sum(increase(microblog_edge_rows_compared_total{{{WORKERS}}}[1h]))", "rows"),
                        Query(f"sum(increase(microblog_edge_rows_lost_total{{{WORKERS}}}[1h]))", "rows lost"),
                        Query(gauge("microblog_rows_in_doubt", "sum"), "rows in doubt"),
                    ],
                ),
            ],
        ),
    ],
)
