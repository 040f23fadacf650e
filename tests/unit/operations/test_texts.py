"""The rules for names and posts."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.errors import Invalid
from microblog_streams.operations import validation

letters = st.characters(categories=("Lu", "Ll", "Lt", "Lo", "Lm", "Nd"), exclude_characters="\u115f\u1160\u3164\uffa0")
names = st.text(letters | st.sampled_from("_-."), min_size=1, max_size=50)


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "Ann-Marie_O.Neil9",
        "x" * 50,
        "...",
        "\u674e\u96f7",  # Chinese
        "\u041e\u043b\u044c\u0433\u0430",  # Russian
        "\u0645\u062d\u0645\u062f",  # Arabic
        "\u0661\u0662\u0663",  # Arabic digits
        "\u0939\u093f\u0928\u094d\u0926\u0940",  # Hindi, with vowel signs
        "\u0e17\u0e35\u0e48\u0e23\u0e31\u0e01",  # Thai, with vowel and tone signs
    ],
)
def test_names_of_any_script_are_kept(name):
    assert validation.username(name)[0] == name


@pytest.mark.parametrize(
    ("name", "code_point"),
    [
        ("a b", "U+0020"),
        ("a\tb", "U+0009"),
        ("a\x00", "U+0000"),
        ("a/b", "U+002F"),
        ("<a>", "U+003C"),
        ("a@b", "U+0040"),
        ("\u202eann", "U+202E"),
        ("a\u200db", "U+200D"),
        ("a\u00adb", "U+00AD"),
        ("\ufeffa", "U+FEFF"),
        ("\ud800", "U+D800"),
        ("\u3164", "U+3164"),
        ("\u1160a", "U+1160"),
        ("\U0001f642", "U+1F642"),
        ("\u00bd", "U+00BD"),
        ("\u2167", "U+2167"),
        ("q\u0301", "U+0301"),
        ("\u0301", "U+0301"),
        ("\u093f", "U+093F"),
        ("a\ufe0f", "U+FE0F"),
        ("a\U000e0101", "U+E0101"),
        ("a\u034f", "U+034F"),
        ("\u1780\u17b4", "U+17B4"),
        ("\ue000", "U+E000"),
        ("\u0378", "U+0378"),
    ],
)
def test_the_first_character_that_is_not_allowed_is_named(name, code_point):
    with pytest.raises(Invalid, match=f"{code_point.replace('+', '.')} is not allowed") as caught:
        validation.username(name)
    assert caught.value.field == "username"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 51,
        "a" * 100_000,
        "\u0301" * 500_000 + "\u0327" * 500_000,  # putting these in order would take an hour
    ],
    ids=["empty", "51", "100,000", "a million marks"],
)
def test_a_name_has_1_to_50_characters(name):
    with pytest.raises(Invalid, match=r"is empty|is longer than 50 characters"):
        validation.username(name)


def test_the_length_counts_after_composing():
    name, _ = validation.username("e\u0301" * 50)
    hangul, _ = validation.username("\u1112\u1161\u11ab" * 50)

    assert name == "\u00e9" * 50
    assert hangul == "\ud55c" * 50


def test_four_code_points_that_make_one_letter_are_one():
    assert validation.username("\u03b1\u0313\u0300\u0345" * 50)[0] == "\u1f82" * 50


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "ANN"),
        ("ann", "\uff41\uff4e\uff4e"),
        ("stra\u00dfe", "STRASSE"),
        ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3"),
        ("\ufb01n", "FIN"),
        ("\u00e9", "E\u0301"),
        ("K", "\u212a"),
    ],
)
def test_names_that_read_the_same_have_one_key(one, other):
    assert validation.username(one)[1] == validation.username(other)[1]


def test_names_that_read_otherwise_have_their_own():
    keys = {validation.username(name)[1] for name in ("ann", "anne", "a.nn", "a-nn", "a_nn", "\u00e4nn")}

    assert len(keys) == 6


@given(names)
def test_a_name_is_in_nfc_and_its_key_is_stable(name):
    kept, key = validation.username(name)

    assert kept == unicodedata.normalize("NFC", name)
    assert unicodedata.normalize("NFKC", key).casefold() == key
    assert validation.username(kept) == (kept, key)


@given(names, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_the_key_does_not_depend_on_the_spelling(name, form):
    try:
        other = validation.username(unicodedata.normalize(form, name))
    except Invalid:
        return  # taking a name apart can make it too long, or show a character that is not allowed
    assert other[1] == validation.username(name)[1]


@given(st.text(st.characters(), max_size=250))
def test_any_text_is_a_name_or_invalid(text):
    try:
        name, _ = validation.username(text)
    except Invalid as exc:
        assert exc.field == "username"
    else:
        assert 1 <= len(name) <= 50
        name.encode()


@pytest.mark.parametrize(
    "content",
    [
        "a",
        "a" * 500,
        "\U0001f642" * 500,
        " " * 1500 + "a" * 500,
        "\n a\tb\n",
        "\u2028a",
        "\u200f\u0645",
        "\u202fa\u200b",
    ],
)
def test_content_is_returned_as_it_was_sent(content):
    assert validation.content(content) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\t\u3000", "is empty"),
        ("a" * 501, "is longer than 500 characters"),
        ("a" + " " * 2000, "is longer than 2,000 characters"),
        ("a\x00", r"U\+0000 is not allowed"),
        ("a\r\n", r"U\+000D is not allowed"),
        ("\x1b[31m", r"U\+001B is not allowed"),
        ("a\x7f", r"U\+007F is not allowed"),
        ("\x85", r"U\+0085 is not allowed"),
        ("a\ud83d", r"U\+D83D is not allowed"),
        ("\udfffa", r"U\+DFFF is not allowed"),
    ],
)
def test_content_that_breaks_a_rule_is_refused(content, message):
    with pytest.raises(Invalid, match=message) as caught:
        validation.content(content)
    assert caught.value.field == "content"


@given(st.text(st.characters(), max_size=600))
def test_any_text_is_content_or_invalid(text):
    try:
        kept = validation.content(text)
    except Invalid as exc:
        assert exc.field == "content"
    else:
        assert kept == text
        assert 1 <= len(kept.strip()) <= 500
        assert not {unicodedata.category(character) for character in kept if character not in "\n\t"} & {"Cc", "Cs"}


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=500))
def test_every_other_character_is_allowed(text):
    if validation.has_visible(text):
        assert validation.content(text) == text
