"""How a dead letter is written down and read back."""

from datetime import UTC, datetime

import pytest

from microblog_streams.domain.dead_letters import MAX_REASON_CHARACTERS, dead_letter_headers, parse_dead_letter

NOW = datetime(2026, 5, 17, tzinfo=UTC)
SOURCE = ("post.created", 3, 17)


def sent(headers):
    """The headers as Kafka gives them back."""
    return tuple((name, text.encode()) for name, text in headers.items())


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("schema", b"1"),),
        (("schema", b"one\xff\x00"), ("schema", b""), ("schema", None)),
        (("topic", b"not mine"), ("naïve \n", b"\n")),
    ],
)
def test_the_records_own_headers_come_back_as_they_were(headers):
    written = dead_letter_headers(SOURCE, ValueError("bad"), "then", list(headers))

    letter = parse_dead_letter(0, 5, NOW, b"key", b"value", sent(written))

    assert letter.headers == headers
    assert (letter.source, letter.source_partition, letter.source_offset) == ("post.created", "3", "17")
    assert (letter.error, letter.first_failure) == ("ValueError: bad", "then")
    assert (letter.id, letter.key, letter.value) == ("0-5", b"key", b"value")


@pytest.mark.parametrize(("headers", "kept"), [(None, ()), ({"schema": b"1"}, (("schema", b"1"),))])
def test_headers_come_in_each_of_fausts_forms(headers, kept):
    written = dead_letter_headers(SOURCE, ValueError("bad"), "then", headers)

    assert parse_dead_letter(0, 5, NOW, None, None, sent(written)).headers == kept


def test_a_long_reason_is_cut():
    assert len(dead_letter_headers(SOURCE, ValueError("x" * 10_000), "then", ())["error"]) == MAX_REASON_CHARACTERS


@pytest.mark.parametrize("packed", [b"", b"{", b"7", b"[7]", b'[["a", 7]]', b'[["a", "="]]', b'["ab"]', b"\xff"])
def test_a_record_of_a_foreign_producer_is_a_dead_letter_too(packed):
    letter = parse_dead_letter(1, 2, NOW, None, None, (("headers", packed), ("error", None)))

    assert (letter.key, letter.value, letter.headers) == (b"", b"", ())
    assert (letter.source, letter.error) == ("", "")
