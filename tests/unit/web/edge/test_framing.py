"""Each byte is its own message's, wherever a network cuts what comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.edge.framing import KEPT, Chunks, Head, Length

SIZES = st.lists(st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"\n"]), max_size=5)
TRAILERS = st.lists(st.sampled_from([b"X-A: a\r\n", b"X-B: " + b"b" * 100 + b"\r\n", b"a:0\r\n"]), max_size=3)
CUTS = st.lists(st.integers(1, 50), min_size=1, max_size=20)
NEXT = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def pieces(data, cuts):
    """Cut data into pieces of these sizes, over and over."""
    while data:
        for size in cuts:
            if data:
                yield data[:size]
                data = data[size:]


def taken(part, data, cuts, length):
    """Return what a part takes of data until it has all of the first ``length`` bytes."""
    found = b""
    for piece in pieces(data, cuts):
        found += piece[: part.take(piece)]
        if len(found) >= length:
            break
    return found


@given(chunks=SIZES, extension=st.sampled_from([b"", b";a=b", b";" + b"x" * 99]), trailers=TRAILERS, cuts=CUTS)
def test_chunks_end_behind_the_empty_line_after_the_last(chunks, extension, trailers, cuts):
    lines = [b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks]
    body = b"".join([*lines, b"00%s\r\n" % extension, *trailers, b"\r\n"])
    part = Chunks()

    assert taken(part, body + NEXT, cuts, len(body)) == body
    assert part.trailers is bool(trailers)


@given(length=st.integers(1, 200), cuts=CUTS)
def test_a_length_is_a_length(length, cuts):
    body = b"x" * length

    assert taken(Length(length), body + NEXT, cuts, length) == body


@given(value=st.text("ab \t", max_size=60), cuts=CUTS)
def test_a_head_ends_with_its_empty_line(value, cuts):
    head = b"GET / HTTP/1.1\r\nX: " + value.encode() + b"\r\n\r\n"
    part = Head()

    assert taken(part, head + NEXT, cuts, len(head)) == head
    assert part.size == len(part.begin) == len(head)


def test_of_a_long_head_only_the_begin_is_kept():
    part = Head()

    for _ in range(100):
        assert part.take(b"x" * 1000) == 1000

    assert (part.size, len(part.begin)) == (100_000, KEPT)


@pytest.mark.parametrize("line", [b"x\r\n", b"\r\n", b"-5\r\n", b"99999999999999999999\r\n"])
def test_what_is_no_chunk_is_left_to_the_parser(line):
    assert Chunks().take(line + b"data\r\n") > 0
