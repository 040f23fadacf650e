"""What is told of workers that come and go: medians of the rounds, a line a scene."""

from benchmarks.takeover import WAITED, _told, table

FIGURES = {
    "edges": 30_103,
    "scenes": {
        "it dies": [{"longest": longest, "waited": 8, "gone": 0.1} for longest in (12.0, 11.0, 30.0)],
        "it joins, without posts": [{"ready": 1.25, "joined": 3.0}],
        "it joins": [{"longest": 2.0, "waited": 3, "ready": 1.5, "joined": 3.75}],
    },
    "memory": {"kafka": {"rss": 290.4, "pss": 290.0}},
}


def test_a_scene_is_told_by_the_medians_of_its_rounds():
    lines = table(FIGURES).splitlines()
    assert "| it dies | 12.0 s | 8 | gone 0.1 s |" in lines
    assert "| it joins | 2.0 s | 3 | ready 1.5 s, joined 3.8 s |" in lines
    assert "| it joins, without posts |  |  | ready 1.2 s, joined 3.0 s |" in lines


def test_the_tables_and_the_memory_are_told():
    lines = table(FIGURES).splitlines()
    assert lines[0] == "30,103 edges in the tables."
    assert lines[-1] == "kafka: 290 MiB"


def test_partitions_count_that_waited_longer_than_a_post_ever_does():
    assert _told({0: WAITED, 1: WAITED + 0.1, 2: 0.01}) == {"longest": WAITED + 0.1, "waited": 1}
