"""Every byte belongs to the right message, however the network splits the data."""

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from aiohttp.http_exceptions import HttpProcessingError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from web.http.body import TooManyChunks
from web.server.framing import KEPT_HEAD_BYTES, ChunkedBody, FixedLengthBody, FramingError, RequestHead

SIZES = st.lists(st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"\n"]), max_size=5)
TRAILERS = st.lists(st.sampled_from([b"X-A: a\r\n", b"X-B: " + b"b" * 100 + b"\r\n", b"a:0\r\n"]), max_size=3)
CUTS = st.lists(st.integers(1, 50), min_size=1, max_size=20)
NEXT = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def pieces(data, cuts):
    """CutReason data into pieces of these sizes, over and over."""
    while data:
        for size in cuts:
            if data:
                yield data[:size]
                data = data[size:]


def taken(part, data, cuts):
    """Return what a part takes of data until it is complete."""
    found = b""
    for piece in pieces(data, cuts):
        while piece and not part.complete:
            took = part.consume(piece)
            found, piece = found + piece[:took], piece[took:]
    return found


@given(chunks=SIZES, extension=st.sampled_from([b"", b";a=b", b";" + b"x" * 99]), trailers=TRAILERS, cuts=CUTS)
def test_chunks_end_behind_the_empty_line_after_the_last(chunks, extension, trailers, cuts):
    lines = [b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks]
    body = b"".join([*lines, b"00%s\r\n" % extension, *trailers, b"\r\n"])
    part = ChunkedBody()

    assert taken(part, body + NEXT, cuts) == body
    assert part.has_trailers is bool(trailers)


@given(length=st.integers(1, 200), cuts=CUTS)
def test_a_length_is_a_length(length, cuts):
    body = b"x" * length

    assert taken(FixedLengthBody(length), body + NEXT, cuts) == body


@given(value=st.text("ab \t", max_size=60), cuts=CUTS)
def test_a_head_ends_with_its_empty_line(value, cuts):
    head = b"GET / HTTP/1.1\r\nX: " + value.encode() + b"\r\n\r\n"
    part = RequestHead()

    assert taken(part, head + NEXT, cuts) == head
    assert part.size == len(part.prefix) == len(head)


def test_of_a_long_head_only_the_begin_is_kept():
    part = RequestHead()

    for _ in range(100):
        assert part.consume(b"x" * 1000) == 1000

    assert (part.size, len(part.prefix)) == (100_000, KEPT_HEAD_BYTES)


@pytest.mark.parametrize(
    "line", [b"x\r\n", b"\r\n", b"-5\r\n", b"9" * 17 + b"\r\n", b"1\n", b"1 \r\n", b"1_0\r\n", b"0x1\r\n", b"0" * 500]
)
def test_a_size_that_can_be_read_in_two_ways_is_refused(line):
    with pytest.raises(FramingError):
        ChunkedBody().consume(line + b"data\r\n")


def test_a_body_of_tiny_chunks_is_refused_before_all_of_them_are_read():
    body = ChunkedBody()

    with pytest.raises(TooManyChunks):
        body.consume(b"1\r\na\r\n" * 1_025)


def test_many_trailers_are_refused_before_all_of_them_are_read():
    with pytest.raises(FramingError):
        ChunkedBody().consume(b"0\r\n" + b"a\r\n" * 102)


@given(length=st.integers(1, 200), cuts=CUTS)
def test_the_last_byte_of_a_body_is_taken_by_itself(length, cuts):
    for part, body in (
        (FixedLengthBody(length), b"x" * length),
        (ChunkedBody(), b"%x\r\n%s\r\n0\r\n\r\n" % (length, b"x" * length)),
    ):
        steps = []
        for piece in pieces(body + NEXT, cuts):
            while piece and not part.complete:
                steps.append(part.consume(piece))
                piece = piece[steps[-1] :]
        assert steps[-1] == 1
        assert sum(steps) == len(body)


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#: What a size line, the bytes behind it, and a trailer may be, well made or not.
NUMBERS = st.sampled_from(
    [b"0", b"00", b"1", b"01", b"A", b"a", b"0" * 15 + b"3", b"0" * 40 + b"7", b"", b"0x1", b"1_0", b"+1"]
)
TAILS = st.sampled_from(
    [b"", b";a", b";a=b", b';a="b"', b';a="\r\n"', b";a=b;c", b" ", b"\t;a", b";" + b"x" * 200, b";\n"]
)
ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"", b"\r\r\n"])
BYTES = st.sampled_from([b"", b"a", b"hi\r", b"x" * 10, b"\r\n\r\n", b"0\r\n\r\n", b"abc", b"1234567"])
ODD = st.builds(lambda *parts: b"".join(parts), NUMBERS, TAILS, ENDS, BYTES, ENDS)
FIELDS = st.sampled_from([b"X: a\r\n", b"X: a\r\n b\r\n", b"X\r\n", b"X: a\n", b"\n", b"X:" + b"y" * 300 + b"\r\n"])
GOOD = st.builds(
    lambda size, zeros, tail: b"0" * zeros + b"%x" % size + tail + b"\r\n" + b"\n" * size + b"\r\n",
    st.integers(1, 40),
    st.integers(0, 14),
    st.sampled_from([b"", b";a", b";a=b", b';a="b"']),
)
BODIES = st.builds(
    lambda chunks, zeros, fields, end: b"".join([*chunks, zeros, b"\r\n", *fields, end]),
    st.lists(GOOD | ODD, max_size=5),
    st.sampled_from([b"0", b"000", b"0" * 16, b"0" * 17, b"0;a=b"]),
    st.lists(FIELDS, max_size=3),
    st.sampled_from([b"\r\n"] * 5 + [b"\n", b"", b"\r"]),
)


def parser_of(loop):
    protocol = BaseProtocol(loop)
    protocol._parser = HttpRequestParser(protocol, loop, 2**16, auto_decompress=False)
    return protocol._parser


def ended_at(parser, body):
    """Return how many bytes of the body the parser takes, one by one; None where it refuses one or wants more."""
    [(_, payload)] = parser.feed_data(HEAD)[0]
    for at in range(len(body)):
        try:
            parser.feed_data(body[at : at + 1])
        except HttpProcessingError:
            return None
        if payload.is_eof():
            return at + 1
    return None


def cut_at(body, cuts):
    """Return how many bytes of the body we take; None where we refuse it or want more."""
    part = ChunkedBody()
    try:
        size = len(taken(part, body, cuts))
    except FramingError:
        return None
    return size if part.complete else None


@settings(max_examples=examples(1_000))
@given(body=BODIES, cuts=CUTS)
def test_a_body_ends_where_the_parser_says_or_is_refused_by_one_of_both(body, cuts):
    """The handler closes where the parser refuses, and where it has not ended with our last byte."""
    loop = asyncio.new_event_loop()
    try:
        theirs, ours = ended_at(parser_of(loop), body + NEXT), cut_at(body + NEXT, cuts)
    finally:
        loop.close()

    assert ours is None or theirs is None or ours == theirs


@given(chunks=st.lists(GOOD, max_size=5), cuts=CUTS)
def test_a_body_that_is_well_made_ends_at_the_same_byte_for_the_parser_and_for_us(chunks, cuts):
    body = b"".join([*chunks, b"0\r\n\r\n"])
    loop = asyncio.new_event_loop()
    try:
        assert ended_at(parser_of(loop), body + NEXT) == cut_at(body + NEXT, cuts) == len(body)
    finally:
        loop.close()
