"""What shows something, against the properties of every code point."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.errors import Invalid
from microblog_streams.operations import validation

NOTHING = {
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "braille blank": "\u2800",
    "Hangul fillers": "\u3164\u115f\u1160\uffa0",
    "tags": "".join(chr(0xE0000 + ord(letter)) for letter in "hello") + "\U000e007f",
    "soft hyphens": "\u00ad\u00ad",
    "variation selectors": "\ufe0f\U000e0100",
    "marks of direction": "\u202a\u202c\u2066\u2069\u061c",
    "Mongolian and Khmer": "\u180b\u180e\u17b4",
    "a joiner of marks": "\u034f",
    "musical and shorthand controls": "\U0001d173\U0001bca0",
    "blank notes and hieroglyphs": "\U0001d159\U00013441\U00016fe4",
    "annotations": "\ufff9\ufffa\ufffb",
    "what will never be a character": "\uffff\ufdd0\U0001ffff",
    "white space of all kinds": "\u00a0\u3000\u2028\n\t",
}
SOMETHING = {
    "a letter among them": "\u200b\u2800a\u3164",
    "an emoji of several": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a keycap": "1\ufe0f\u20e3",
    "a flag": "\U0001f1e9\U0001f1ea",
    "a flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "an emoji that is not known yet": "\U0001faef",
    "a mark alone": "\u0301",
    "a vowel sign": "\u093f",
    "a Hangul vowel": "\u1161",
    "other braille": "\u2801",
    "an Arabic number sign": "\u0600",
    "an apple": "\uf8ff",
}


@pytest.mark.parametrize("text", [*NOTHING.values(), "".join(NOTHING.values())], ids=[*NOTHING, "all of it"])
def test_a_post_that_shows_nothing_is_empty(text):
    with pytest.raises(Invalid, match="is empty") as caught:
        validation.content(text)
    assert caught.value.field == "content"


@pytest.mark.parametrize("text", SOMETHING.values(), ids=SOMETHING.keys())
def test_one_that_shows_something_is_kept_with_what_does_not(text):
    assert validation.content(text) == text


@given(st.text(st.sampled_from("".join(NOTHING.values())), min_size=1, max_size=50))
def test_what_shows_nothing_alone_shows_nothing_together(text):
    with pytest.raises(Invalid):
        validation.content(text)


def test_the_ranges_are_those_of_the_properties():
    regex = pytest.importorskip("regex", reason="the library that knows the properties is not installed")
    unseen = regex.compile(
        r"[[\p{DI}\p{White_Space}\p{NChar}\p{Cc}\p{Cf}]--\p{Prepended_Concatenation_Mark}]", regex.VERSION1
    )
    characters = "".join(chr(each) for each in range(sys.maxunicode + 1) if not 0xD800 <= each <= 0xDFFF)
    hidden = {*unseen.findall(characters), *"\u2800\U00013441\U00013442\U00016fe4\U0001d159\U00013440"}

    wrong = [each for each in characters if validation.has_visible(each) == (each in hidden)]

    assert [f"U+{ord(each):04X}" for each in wrong] == []


@pytest.mark.parametrize("character", ["\U00016fe4", "\u3164", "\u17b4", "\u034f", "\ufe0f"])
def test_names_hold_nothing_that_is_not_seen(character):
    with pytest.raises(Invalid, match="is not allowed"):
        validation.username("a" + character)
