"""What a profile may say."""

import re

import pytest

from microblog_streams.domain.errors import Invalid
from microblog_streams.operations import validation


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("  Ann Lee ", "Ann Lee"),
        ("Ame\u0301lie", "Am\u00e9lie"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("<b>&amp;", "<b>&amp;"),
        ("x" * 50, "x" * 50),
    ],
)
def test_a_display_name_is_any_text_on_one_line(given, kept):
    assert validation.display_name(given) == kept
    assert re.search(validation.DISPLAY_NAME, given)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 51,
        "a\nb",
        "a\tb",
        "a\x00b",
        "a\u2028b",
        "\u202eann",
        "ann\u2066",
        "\ud800",
        "\ufffe",
        " ",
        "\u200b",
        "\u2800",
    ],
)
def test_a_display_name_is_refused(name):
    with pytest.raises(Invalid, match="displayName"):
        validation.display_name(name)


@pytest.mark.parametrize("text", ["", "two\nlines\tand a tab", "x" * 500, "\u05d0\u200f"])
def test_a_note_is_kept(text):
    assert validation.note(text) == text
    assert re.search(validation.NOTE, text)


@pytest.mark.parametrize("text", ["x" * 501, "a\x1bb", "a\rb", "\ud800", "\u200b\u200b", "\n"])
def test_a_note_is_refused(text):
    with pytest.raises(Invalid, match="note"):
        validation.note(text)


def test_links_are_kept_as_a_browser_writes_them():
    given = ["https://example.org", "HTTPS://EXAMPLE.org/a b?q=\u00e9#f", "https://b\u00fccher.example/"]

    assert validation.links(given) == (
        "https://example.org/",
        "https://example.org/a%20b?q=%C3%A9#f",
        "https://xn--bcher-kva.example/",
    )


@pytest.mark.parametrize(
    "link",
    [
        "",
        "example.org",
        "http://example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://user@example.org",
        "https://user:secret@example.org/",
        "https://example.org/" + "x" * 300,
        "https://example.org/" + "\u00e9" * 200,
    ],
)
def test_a_link_is_refused(link):
    with pytest.raises(Invalid, match=r"links\.1"):
        validation.links(["https://example.org/", link])


def test_a_profile_has_few_links():
    with pytest.raises(Invalid, match="more than 4"):
        validation.links(["https://example.org/"] * 5)
