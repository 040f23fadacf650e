"""The results as a table."""

from benchmarks.table import table

LOAD = {"clients": 32, "rate": 1234.5, "p50": 0.0251, "p99": 0.11, "rounds": [{"others": {}}, {"others": {"503": 2}}]}
RESULTS = {
    "machine": {"cores": 2, "memory": 24, "load before": 0.1},
    "versions": {"Python": "3.11.7", "Kafka": "4.2.0"},
    "starts": {"empty": 11.21, "again": 9.5, "full": 10.0},
    "import": {
        "people": 75879,
        "follows": 508837,
        "stored per second": 30000.4,
        "applied per second": 1700.6,
        "seconds": 299.4,
    },
    "memory": {
        "postgres": {"rss": 300.0, "pss": 80.0},
        "valkey": {"rss": 20.0, "pss": 19.9},
        "w6066": {"rss": 200.0, "pss": 195.0},
    },
    "most followed": {"followers": 3035, "posts": 3, "times": [0.03, 0.02, 0.5]},
    "post": LOAD,
    "timeline": {**LOAD, "rounds": [{"others": {}}]},
}


def test_the_table_tells_everything():
    assert table(RESULTS).splitlines() == [
        "2 cores, 24 GiB. Python 3.11.7, Kafka 4.2.0.",
        "",
        "| what | result |",
        "|---|---|",
        "| `make run` until ready, empty data folder | 11.2 s |",
        "| the same, second start | 9.5 s |",
        "| the same, with the imported graph and all posts | 10.0 s |",
        "| import | 75,879 people, 508,837 follows |",
        "| edges into PostgreSQL, with their events | 30,000/s |",
        "| edges until all are in the followers table and acknowledged | 1,701/s (299 s in all) |",
        "| RSS after the import: PostgreSQL (all processes) | 300 MiB (PSS 80) |",
        "| RSS after the import: Valkey | 20 MiB |",
        "| RSS after the import: worker | 200 MiB |",
        "| post by the most followed person until all 3,035 followers have it | "
        "p50 30.0 ms, p99 500 ms (3 posts, one after the other) |",
        "| `POST /posts/`, 32 clients | p50 25.1 ms, p99 110 ms, 1,234/s, 2 not answered well |",
        "| `GET /timelines/{id}`, 32 clients | p50 25.1 ms, p99 110 ms, 1,234/s |",
    ]
