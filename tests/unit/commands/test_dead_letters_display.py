"""Dead letters on a screen: everything is told, and nothing is obeyed."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from microblog_streams.commands import dead_letters
from microblog_streams.domain.dead_letters import DeadLetter

NOW = datetime(2026, 5, 17, 12, 30, tzinfo=UTC)
LETTER = DeadLetter(
    partition=3,
    offset=17,
    written_at=NOW,
    source="post.created.g2",
    source_partition="5",
    source_offset="1042",
    error="UndecodableEvent: value: Invalid JSON",
    first_failure="2026-05-17T12:29:59.123+00:00",
    key=b"\0\0\0\0\0\0\0\7",
    value=b"not json",
    headers=(("schema", b"1"), ("trace", None), ("trace", b"\xff")),
)


def drawn(*letters):
    """The table as it is printed where there is no terminal."""
    out = io.StringIO()
    Console(file=out, width=200).print(dead_letters.table(letters))
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain äß 漢字", "plain äß 漢字"),
        ("a\x1b[2J", "a\\x1b[2J"),
        ("a\r\n\tb\x00", "a\\r\\n\\tb\\x00"),
        ("a\x9b31m", "a\\x9b31m"),
        ("a\u202eb\u2028", "a\\u202eb\\u2028"),
        (b"\xff\xfe\x1b", "\\xff\\xfe\\x1b"),
        ("漢".encode(), "漢"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_does_not_print_is_escaped(raw, shown):
    assert dead_letters.safe(raw) == shown


@pytest.mark.parametrize("text", ["x" * 11, b"x" * 11, "\x00" * 3, "漢".encode() * 11, b"\xff" * 1_000_000])
def test_what_is_too_long_is_cut_to_the_limit(text):
    shown = dead_letters.shortened(text, 10)

    assert shown == dead_letters.safe(text[:60])[:10] + " ..."


@pytest.mark.parametrize("text", ["x" * 10, b"x" * 10, "漢".encode() * 10, ""])
def test_what_just_fits_is_whole(text):
    assert dead_letters.shortened(text, 10) == dead_letters.safe(text)


def test_a_table_has_a_row_a_letter():
    header, _, row = drawn(LETTER).strip().splitlines()

    assert header.split() == ["id", "topic", "partition", "offset", "reason", "first", "failure", "bytes"]
    assert row.split() == ["3-17", "post.created.g2", "5", "1042", *LETTER.error.split(), "2026-05-17T12:29:59", "8"]


def test_a_table_obeys_neither_controls_nor_markup():
    shown = drawn(replace(LETTER, error="[red]boo[/red] \x1b[31m", source="a\nb"))

    assert "[red]boo[/red] \\x1b[31m" in shown
    assert "a\\nb" in shown
    assert "\x1b" not in shown


def test_json_is_for_programs():
    assert json.loads(dead_letters.as_json([LETTER, replace(LETTER, source_offset="?")])) == [
        {
            "id": "3-17",
            "topic": "post.created.g2",
            "partition": 5,
            "offset": offset,
            "error": "UndecodableEvent: value: Invalid JSON",
            "firstFailure": "2026-05-17T12:29:59.123+00:00",
            "bytes": 8,
        }
        for offset in (1042, "?")
    ]
    assert dead_letters.as_json([]) == "[]"


def test_the_details_are_complete():
    assert dead_letters.details(LETTER, None).splitlines() == [
        "id             3-17",
        "state          open",
        "source         post.created.g2, partition 5, offset 1042",
        "reason         UndecodableEvent: value: Invalid JSON",
        "first failure  2026-05-17T12:29:59.123+00:00",
        "written        2026-05-17T12:30:00.000+00:00",
        "key            0000000000000007 (user 7)",
        "header schema  1",
        "header trace   (absent)",
        "header trace   \\xff",
        "value          8 bytes",
        "",
        "not json",
    ]


def test_the_details_say_what_was_done():
    assert "state          replayed 2026-05-17T12:30:00+00:00" in dead_letters.details(LETTER, ("replayed", NOW))


def test_a_huge_value_is_cut_and_its_size_said():
    shown = dead_letters.details(replace(LETTER, value=b"\x1b" * 1_000_000, key=b""), None)

    assert "value          1,000,000 bytes" in shown
    assert "key            (empty)" in shown
    assert shown.endswith(" ...\n(and more: --raw writes all of it)")
    assert len(shown) < dead_letters.MAX_VALUE_CHARACTERS + 1_000
