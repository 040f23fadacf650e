"""Graph files: what is an edge, what is a bad line, who takes part, and what is read after a resumption."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.commands.import_graph import BadLines, batches, parse_line, survey
from microblog_streams.domain.errors import SetupError

GOOD = b"# Nodes: 5\n0\t1\n1 2\n\n2 0\r\n  3   4  \n0 1\n"


@pytest.fixture
def write(tmp_path):
    def write(content, name="graph.txt"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def read(path, after=0, below=10**9, size=2):
    return [(batch.edges, batch.last_line) for batch in batches(path, after, below, size)]


@pytest.mark.parametrize(
    ("line", "edge"),
    [
        (b"0\t4\n", (0, 4)),
        (b" 17  4 \r\n", (17, 4)),
        (b"999999999999999999 1", (10**18 - 1, 1)),
        (b"# FromNodeId\tToNodeId\n", None),
        (b"  # 1 2\n", None),
        (b"\n", None),
        (b"", None),
    ],
)
def test_lines_are_edges_or_comments(line, edge):
    assert parse_line(line) == edge


@pytest.mark.parametrize(
    "line",
    [
        b"1\n",
        b"1 2 3\n",
        b"a b\n",
        b"1 -2\n",
        b"1,2\n",
        b"1.0 2\n",
        b"1 2 # x\n",
        b"\xff\xfe",
        b"1 9999999999999999999",
    ],
)
def test_other_lines_are_bad(line):
    with pytest.raises(ValueError, match="expected two node numbers"):
        parse_line(line)


def test_a_user_cannot_follow_themselves():
    with pytest.raises(ValueError, match="node 7 follows itself"):
        parse_line(b"7 7\n")


@given(st.binary())
def test_no_line_does_anything_else(line):
    try:
        edge = parse_line(line)
    except ValueError:
        return
    assert edge is None or (edge[0] != edge[1] and min(edge) >= 0)


def test_bad_lines_are_told_by_number_and_cost_nothing_else(write):
    path = write(b"0 1\nx\n1 1\n1 2\n")

    assert survey(path).bad == BadLines(2, [(2, "expected two node numbers"), (3, "node 1 follows itself")])
    assert read(path) == [([(0, 1), (1, 2)], 4)]


def test_of_very_many_bad_lines_the_first_are_told_and_all_are_counted(write):
    bad = survey(write(b"x\n" * 1000)).bad

    assert bad.count == 1000
    assert [number for number, _ in bad.first] == list(range(1, 21))


def test_a_zipped_file_reads_as_a_plain_one(write):
    plain, zipped = write(GOOD), write(gzip.compress(GOOD), "graph.txt.gz")

    assert read(plain) == read(zipped) == [([(0, 1), (1, 2)], 3), ([(2, 0), (3, 4)], 6), ([(0, 1)], 7)]
    assert survey(plain).lines == survey(zipped).lines == 7


def test_duplicates_within_a_batch_are_left_out(write):
    assert read(write(b"0 1\n0 1\n1 0\n"), size=9) == [([(0, 1), (1, 0)], 3)]


def test_reading_goes_on_after_a_line(write):
    path = write(GOOD)

    whole = read(path)
    assert read(path, after=whole[0][1]) == whole[1:]
    assert read(path, after=7) == []


def test_the_last_lines_count_as_read_also_without_an_edge(write):
    assert read(write(b"0 1\n1 2\n# end\n")) == [([(0, 1), (1, 2)], 2), ([], 3)]


def test_a_fraction_keeps_the_people_with_the_lowest_numbers(write):
    path = write(b"".join(b"%d %d\n" % (node * 10, node * 10 + 10) for node in range(9)))

    assert survey(path).nodes_below == 91
    assert survey(path, 1.0).nodes_below == 91
    kept = survey(path, 0.3)
    assert kept.nodes_below == 21
    assert read(path, below=kept.nodes_below, size=10) == [([(0, 10), (10, 20)], 9)]


def test_a_small_fraction_keeps_at_least_one_user(write):
    assert survey(write(b"0 1\n"), 0.01).nodes_below == 1
    assert survey(write(b"# nothing\n"), 0.01).nodes_below == 0


def test_two_files_differ_in_their_digests(write):
    assert survey(write(b"0 1\n", "a")).digest != survey(write(b"0 2\n", "b")).digest
    assert survey(write(b"0 1\n", "c")).digest == survey(write(b"0 1\n", "d")).digest


@pytest.mark.parametrize("content", [gzip.compress(GOOD * 1000)[:-20], b"no gzip at all"])
def test_a_damaged_file_is_told_in_one_line(write, content):
    with pytest.raises(SetupError, match=r"graph\.txt\.gz: the gzip file is damaged"):
        survey(write(content, "graph.txt.gz"))


def test_a_missing_file_is_told_in_one_line(tmp_path):
    with pytest.raises(SetupError, match=r"nothing\.txt: No such file"):
        survey(tmp_path / "nothing.txt")
