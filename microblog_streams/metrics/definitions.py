"""The definition of every metric. ``make docs`` writes docs/metrics.md from here.

Names are ``microblog_<noun>_<unit>``, in base units; counters end in ``_total``. Every label has few values: routes are
templates, an unknown path or method is one value, and no user, post or address is ever a label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from microblog_streams.domain import measures


class Kind(StrEnum):
    """The types of Prometheus that are used."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric."""

    name: str
    kind: Kind
    #: What one step of the value is; a truth is 1 or 0.
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    #: Upper bounds of a histogram's buckets.
    bounds: Sequence[float] = ()


def _counter(name: str, unit: str, meaning: str, *labels: str) -> Definition:
    return Definition(name, Kind.COUNTER, unit, meaning, labels)


def _gauge(name: str, unit: str, meaning: str, *labels: str) -> Definition:
    return Definition(name, Kind.GAUGE, unit, meaning, labels)


def _histogram(name: str, unit: str, meaning: str, bounds: Sequence[float], *labels: str) -> Definition:
    return Definition(name, Kind.HISTOGRAM, unit, meaning, labels, bounds)


WORKER_INFO: Final = _gauge(
    "microblog_worker_info",
    "always 1",
    "The worker's name, release, roles and topic set",
    *("worker", "version", "roles", "generation"),
)
READY: Final = _gauge("microblog_ready", "1 or 0", "Whether the worker serves requests")
CLOCK_AHEAD: Final = _gauge(
    "microblog_clock_ahead_seconds", "seconds", "How far the worker's clock is ahead of PostgreSQL's; below 0: behind"
)
CLOCK_STEPS_BACK: Final = _counter(
    "microblog_clock_steps_back_total", "times", "The clock was set back so far that new posts got lower ids than older"
)
DISK_FREE: Final = _gauge(
    "microblog_disk_free_bytes", "bytes", "Free space of the disk with the worker's folder; below 128 MiB it is full"
)
EVENT_LOOP_LAG: Final = _histogram(
    "microblog_event_loop_lag_seconds",
    "seconds",
    "How late the event loop runs a task that is due, looked at four times a second",
    measures.LOOP_SECONDS,
)

SEARCH_DOCUMENTS: Final = _counter(
    "microblog_search_documents_total", "documents", "Documents that the search indexer has written", "kind"
)
SEARCH_INDEX_SECONDS: Final = _histogram(
    "microblog_search_index_seconds",
    "seconds",
    "From a post's creation until the search engine has it; a search finds it up to a second later",
    measures.DELIVERY_SECONDS,
)

HTTP_REQUEST_SECONDS: Final = _histogram(
    "microblog_http_request_seconds",
    "seconds",
    "Time from a request's headers to its response. `route` is the path's template, or `unknown`; `method` is one of "
    "HTTP's, or `other`",
    measures.REQUEST_SECONDS,
    *("route", "method", "status"),
)
REQUESTS_LIMITED: Final = _counter(
    "microblog_requests_limited_total", "requests", "Requests refused by a rate limit", "budget"
)
CONNECTIONS: Final = _gauge(
    "microblog_connections", "connections", "Open connections of the web server; a proxy counts as one address"
)
CONNECTIONS_REFUSED: Final = _counter(
    "microblog_connections_refused_total",
    "connections",
    "Connections that were not accepted, because there were too many in all (`total`) or of one address (`address`)",
    "reason",
)
CONNECTIONS_CUT: Final = _counter(
    "microblog_connections_cut_total",
    "connections",
    "Connections that were closed because the client was too slow to send its request (`head`) or to read the answer "
    "(`send`)",
    "reason",
)

DELIVERY_SECONDS: Final = _histogram(
    "microblog_delivery_seconds",
    "seconds",
    "Time from the acceptance of a post, by the time in its id, to the last push of its fan-out. An event that is read "
    "again counts again. In OpenMetrics each bucket's exemplar is its last event, by `event_id`, and `trace_id` if its "
    "trace is sampled",
    measures.DELIVERY_SECONDS,
)
FAN_OUT_FOLLOWERS: Final = _histogram(
    "microblog_fan_out_followers", "followers", "Followers of a post's author at its fan-out", measures.FOLLOWERS
)
PUSHES: Final = _counter(
    "microblog_pushes_total", "timelines", "Timelines to which an entry was pushed, cold ones included"
)
PUSHES_COLD: Final = _counter(
    "microblog_pushes_cold_total", "timelines", "Of these, cold timelines, which took nothing"
)
PUSHES_LATE: Final = _counter(
    "microblog_pushes_late_total", "timelines", "Of these, timelines that had a newer entry already: a push costs more"
)
TIMELINE_READS: Final = _counter(
    "microblog_timeline_reads_total",
    "reads",
    "Reads of a timeline's list, by its state: `complete`, `partial`, `building`, `cold`; `away`: Redis did not answer",
    "state",
)
REBUILD_SECONDS: Final = _histogram(
    "microblog_rebuild_seconds",
    "seconds",
    "Time from the first read of a cold timeline to the end of its rebuild, the wait for a slot included",
    measures.REBUILD_SECONDS,
)
REBUILDS: Final = _counter(
    "microblog_rebuilds_total", "rebuilds", "Rebuilds that ended, by outcome: `done`, `failed`, `cancelled`", "outcome"
)
REBUILDS_RUNNING: Final = _gauge("microblog_rebuilds_running", "rebuilds", "Rebuilds that run, or wait for a slot")
LIVE_READERS: Final = _gauge("microblog_live_readers", "readers", "Readers of live timelines at this worker")
TIMELINES_CHECKED: Final = _counter(
    "microblog_timelines_checked_total", "timelines", "Timelines that the reconciler compared with the stores"
)
TIMELINES_REPAIRED: Final = _counter(
    "microblog_timelines_repaired_total", "timelines", "Timelines found wrong and made cold: must stay 0"
)
TIMELINE_FINDINGS: Final = _counter(
    "microblog_timeline_findings_total",
    "entries",
    "Wrong entries of those timelines: `missing`, `stray`, `doubled`, `misplaced`, `unindexed`",
    "kind",
)

CONSUMER_LAG: Final = _gauge(
    "microblog_consumer_lag_records",
    "records",
    "Records of a partition of this worker that are not committed yet, as of the last fetch",
    *("topic", "partition"),
)
COMMIT_AGE: Final = _gauge(
    "microblog_commit_age_seconds",
    "seconds",
    "For how long nothing of a partition was committed although something could be; 0 where nothing is left",
    *("topic", "partition"),
)
COMMIT_STANDSTILLS: Final = _counter(
    "microblog_commit_standstills_total", "reports", "Reports of a partition whose commits stood still for minutes"
)
EVENTS_UNACKED: Final = _gauge(
    "microblog_events_unacked", "events", "Events that are in flight, or done and not acknowledged"
)
PARTITION_HALTED: Final = _gauge(
    "microblog_lane_halted", "1", "Partitions whose processor is halted at an event (topic-partition)", "lane"
)
EFFECTS_RETRIED: Final = _counter(
    "microblog_effects_retried_total",
    "tries",
    "Tries of an effect that failed and are repeated, by the store that was unavailable; `lease`: the partition was "
    "not certain to be this worker's, `busy`: concurrent calls were in the way, `defect`: for no passing reason",
    "store",
)
EFFECTS_OUTLIVED: Final = _counter(
    "microblog_effects_outlived_lease_total", "effects", "Effects that still ran when their partition was given up"
)
DEAD_LETTERS_WRITTEN: Final = _counter(
    "microblog_dead_letters_written_total", "records", "Dead letters that this worker has written"
)
DEAD_LETTERS_OPEN: Final = _gauge(
    "microblog_dead_letters_open", "records", "Dead letters that are neither replayed nor discarded, of all workers"
)
REBALANCES: Final = _counter("microblog_rebalances_total", "rebalances", "Rebalances that this worker took part in")
UNASSIGNED_SECONDS: Final = _counter(
    "microblog_unassigned_seconds_total",
    "seconds",
    "Time in rebalances, from the revocation of the partitions until events flow again, recovery included",
)

TABLES_RECOVERED: Final = _gauge(
    "microblog_tables_recovered", "1 or 0", "Whether the followers table is recovered; absent for the role `web`"
)
TABLE_ROWS: Final = _gauge(
    "microblog_table_rows", "rows", "Rows of the followers table in a partition, as RocksDB estimates them", "partition"
)
TABLE_BYTES: Final = _gauge(
    "microblog_table_bytes", "bytes", "Bytes of the followers table in a partition, on disk and in memory", "partition"
)
RECOVERY_REMAINING: Final = _gauge(
    "microblog_recovery_remaining_records", "records", "Changelog records that a recovery has still to read"
)
RECOVERY_ERRORS: Final = _counter(
    "microblog_recovery_errors_total", "errors", "Errors while changelog records were applied; they are applied again"
)
STALE_ROWS: Final = _gauge(
    "microblog_rows_in_doubt", "rows", "Stale rows of the followers table that wait for a republish"
)
EDGE_AUDITS: Final = _counter(
    "microblog_edge_audits_total",
    "partitions",
    "Comparisons of a partition of the followers table with PostgreSQL, by outcome: `compared`, `failed`",
    "outcome",
)
EDGE_ROWS_COMPARED: Final = _counter("microblog_edge_rows_compared_total", "rows", "Rows that these compared")
EDGE_ROWS_LOST: Final = _counter(
    "microblog_edge_rows_lost_total", "rows", "Rows that PostgreSQL had lost; they are corrected"
)

OUTBOX_DEPTH: Final = _gauge("microblog_outbox_depth", "events", "Committed changes whose events are not in Kafka yet")
OUTBOX_AGE: Final = _gauge("microblog_outbox_age_seconds", "seconds", "Age of the oldest of them; 0: there is none")
RELAY_LEADING: Final = _gauge("microblog_relay_leading", "1 or 0", "Whether this worker publishes the outbox")

STORE_UP: Final = _gauge("microblog_store_up", "1 or 0", "Whether a store answers", "store")
STORE_CALL_SECONDS: Final = _histogram(
    "microblog_store_call_seconds",
    "seconds",
    "Time of a store's operation, as its caller sees it: with the wait for a connection, and with failures",
    measures.CALL_SECONDS,
    *("store", "operation"),
)
STORE_ERRORS: Final = _counter(
    "microblog_store_errors_total",
    "calls",
    "Failed operations of a store: `silent` (no answer in time), `unavailable`, `defect` (an unexpected error)",
    *("store", "operation", "error"),
)
CIRCUIT_OPEN: Final = _gauge(
    "microblog_circuit_open", "1 or 0", "Whether calls of a store are refused, because it does not answer", "store"
)
CIRCUIT_OPENINGS: Final = _counter(
    "microblog_circuit_openings_total", "times", "A store fell silent, and its calls were refused", "store"
)
REDIS_PIPELINES_FAILED: Final = _counter(
    "microblog_redis_pipelines_failed_total", "pipelines", "Pipelines of small commands that failed as a whole"
)
REDIS_RENEWALS: Final = _counter(
    "microblog_redis_renewals_total", "times", "All connections were opened anew: Redis is another server, or refuses"
)
REDIS_RUNS: Final = _counter(
    "microblog_redis_runs_total", "runs", "Runs of Redis that were seen: each after the first may have lost writes"
)

#: Every metric, by the chapters of docs/metrics.md.
CHAPTERS: Final[Mapping[str, Sequence[Definition]]] = {
    "Worker": (WORKER_INFO, READY, CLOCK_AHEAD, CLOCK_STEPS_BACK, DISK_FREE, EVENT_LOOP_LAG),
    "HTTP": (HTTP_REQUEST_SECONDS, REQUESTS_LIMITED, CONNECTIONS, CONNECTIONS_REFUSED, CONNECTIONS_CUT),
    "Posts and timelines": (
        *(DELIVERY_SECONDS, FAN_OUT_FOLLOWERS, PUSHES, PUSHES_COLD, PUSHES_LATE),
        *(TIMELINE_READS, REBUILD_SECONDS, REBUILDS, REBUILDS_RUNNING, LIVE_READERS),
        *(TIMELINES_CHECKED, TIMELINES_REPAIRED, TIMELINE_FINDINGS),
    ),
    "Events": (
        *(CONSUMER_LAG, COMMIT_AGE, COMMIT_STANDSTILLS, EVENTS_UNACKED, PARTITION_HALTED),
        *(EFFECTS_RETRIED, EFFECTS_OUTLIVED, DEAD_LETTERS_WRITTEN, DEAD_LETTERS_OPEN),
        *(REBALANCES, UNASSIGNED_SECONDS),
    ),
    "The followers table": (
        *(TABLES_RECOVERED, TABLE_ROWS, TABLE_BYTES, RECOVERY_REMAINING, RECOVERY_ERRORS),
        *(STALE_ROWS, EDGE_AUDITS, EDGE_ROWS_COMPARED, EDGE_ROWS_LOST),
    ),
    "The outbox": (OUTBOX_DEPTH, OUTBOX_AGE, RELAY_LEADING),
    "Stores": (
        *(STORE_UP, STORE_CALL_SECONDS, STORE_ERRORS, CIRCUIT_OPEN, CIRCUIT_OPENINGS),
        *(REDIS_PIPELINES_FAILED, REDIS_RENEWALS, REDIS_RUNS),
    ),
    "The search indexer": (SEARCH_DOCUMENTS, SEARCH_INDEX_SECONDS),
}
