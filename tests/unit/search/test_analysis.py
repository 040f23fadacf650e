"""Analysis: which terms a text has, and where."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from microblog_streams.search.analysis import MAX_TERM, analyse, fold, mentions, tags, tokens


def terms(text):
    return [token.term for token in tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("don't l'amour", ["don", "t", "l", "amour"]),
        ("Ünïcode CAFÉ", ["unicode", "cafe"]),
        ("Straße ﬁne \uff26\uff35\uff2c\uff2c", ["strasse", "fine", "full"]),
        ("Ёлка йод", ["елка", "иод"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("שָׁלוֹם", ["שלום"]),
        ("foo_bar 10:30", ["foo_bar", "10", "30"]),
        ("猫が好き", ["猫が", "が好", "好き", "き"]),
        ("コーヒー", ["コー", "ーヒ", "ヒー", "ー"]),
        ("iPhoneを買う", ["iphone", "を買", "買う", "う"]),
        ("猫", ["猫"]),
        ("สวัส", ["สวั", "วัส", "ส"]),
        ("👍🏽 👍", ["👍", "👍"]),
        ("👩‍👩‍👧 ❤️ 🇩🇪🇫🇷", ["👩‍👩‍👧", "❤", "🇩🇪", "🇫🇷"]),
        ("!? … \n", []),
    ],
)
def test_the_terms_of_a_text(text, expected):
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#Tea and #TEA", ["tea", "tea"]),
        ("#Café_1!", ["cafe_1"]),
        ("\uff03tea", ["tea"]),
        ("#猫", ["猫"]),
        ("#1 is a number, a#b and ##c are none", []),
    ],
)
def test_hashtags(text, expected):
    assert [token.term for token in tags(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Ann.Lee. said", [("ann.lee", 0, 8)]),
        ("to @bob-", [("bob", 3, 7)]),
        ("mail ann@example.org, @@x", []),
    ],
)
def test_mentions(text, expected):
    assert list(mentions(text)) == expected


def test_a_post_names_each_tag_and_each_name_once():
    assert analyse("#a #b #A @x @x tea") == (["a", "b", "a", "x", "x", "tea"], ["a", "b"], ["x"])


def test_the_rest_of_a_very_long_word_counts_for_nothing():
    assert terms("a" * 500) == ["a" * MAX_TERM]


@given(st.text(max_size=200))
@example("ﷺ ½ \u0345")
def test_any_text_has_terms_without_spaces_in_the_order_and_within_the_bounds_of_the_text(text):
    found = [*tokens(text), *tags(text), *mentions(text)]

    assert all(token.term and not any(char.isspace() for char in token.term) for token in found)
    assert all(0 <= token.start < token.end <= len(text) for token in found)
    assert all(len(token.term) <= 2 * MAX_TERM for token in found)
    assert [token.start for token in tokens(text)] == sorted(token.start for token in tokens(text))


@given(st.text(max_size=50))
def test_folding_is_stable(word):
    assert fold(fold(word)) == fold(word)


@given(st.text(st.characters(max_codepoint=0x7F)))
@example("a_b-c.d 10:30 #Tag @name " + "x" * (MAX_TERM + 5))
def test_the_quick_way_of_ascii_finds_the_same_words(text):
    assert analyse(text).words == terms(text)
