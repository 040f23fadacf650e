"""Text of others on a terminal: shown, and never obeyed."""

import pytest
from rich.console import Console

from microblog_streams.cli.output import USER_COLUMNS, _table, clean, one_line
from microblog_streams.client import User

ESCAPES = ["\x1b", "\x07", "\x08", "\r", "\x9b", "\x7f", "\x00", "\u202e", "\u2066", "\u200f", "\ud800"]


@pytest.mark.parametrize("character", ESCAPES)
def test_what_a_terminal_would_obey_is_taken_out(character):
    assert clean(f"a{character}b") == "ab"


@pytest.mark.parametrize(
    "text", ["Grüße", "नमस्ते", "👩\u200d💻", "a\nb\tc", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]
)
def test_all_else_stays(text):
    assert clean(text) == text


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\n\n\tb", "a\u2028b"])
def test_one_line_is_one_line(text):
    assert one_line(text) == "a b"


def test_a_table_shows_what_looks_like_markup():
    user = User(id=1, username="[bold]a[/bold]\x1b[2J:smile:", created_at="2026-11-26T12:00:00Z")
    console = Console(width=100, force_terminal=True, color_system=None, record=True)

    with console.capture() as shown:
        console.print(_table([user], USER_COLUMNS))

    assert "[bold]a[/bold][2J:smile:" in shown.get()
    assert "\x1b[2J" not in shown.get()
