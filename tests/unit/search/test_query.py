"""The query language: what each form means, what is refused and where, and that no query is too large."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.errors import Invalid
from microblog_streams.search.query import MAX_QUERY, MAX_TERMS, Clauses, Query, parse, parse_name, trigrams


def required(**clauses):
    return Query(required=Clauses(**clauses))


def excluded(**clauses):
    return Query(excluded=Clauses(**clauses))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tea", required(phrases=(("tea",),))),
        ("tea  cake tea", required(phrases=(("tea",), ("cake",)))),
        ('"green tea"', required(phrases=(("green", "tea"),))),
        ('tea"green cake"', required(phrases=(("tea",), ("green", "cake")))),
        ("-coffee", excluded(phrases=(("coffee",),))),
        ('-"black coffee"', excluded(phrases=(("black", "coffee"),))),
        ("#Tea", required(tags=("tea",))),
        ("-#Tea", excluded(tags=("tea",))),
        ("@Ann", required(mentions=("ann",))),
        ("from:Ann", required(authors=("ann",))),
        ("FROM:@ann", required(authors=("ann",))),
        ("-from:ann", excluded(authors=("ann",))),
        ("l'amour", required(phrases=(("l", "amour"),))),
        ("well-known", required(phrases=(("well", "known"),))),
        ("10:30", required(phrases=(("10", "30"),))),
        ("#1", required(phrases=(("1",),))),
        ("猫が好き", required(phrases=(("猫が", "が好", "好き"),))),
        ('"買う iPhone"', required(phrases=(("買う", "う", "iphone"),))),
        ("tea !?", required(phrases=(("tea",),))),
        ("((((tea))))", required(phrases=(("tea",),))),
        ("/te.+a/", required(phrases=(("te", "a"),))),
        ("\u202etea\u200f", required(phrases=(("tea",),))),
    ],
)
def test_the_meaning_of(text, expected):
    assert parse(text) == expected


def test_dates_narrow_each_other():
    query = parse("after:2026-01-02 after:2026-01-01 before:2026-03-01 before:2026-04-01")

    assert query == Query(after=datetime(2026, 1, 2, tzinfo=UTC), before=datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has nothing to search for"),
        ("  !? ", "has nothing to search for"),
        ('tea "green', 'at character 5: this " has no closing one'),
        ("tea - cake", "at character 5: there is nothing to exclude"),
        ("--tea", "at character 2: - cannot be repeated"),
        ("-!", "at character 2: there is nothing to exclude"),
        ("*tea", "at character 1: * is not supported"),
        ("te*", "at character 3: * is not supported"),
        ("from:", "at character 6: from: needs a name"),
        ("tea from:a/b", "at character 10: not a username"),
        ("before:", "at character 8: before: needs a date"),
        ("after:yesterday", "at character 7: not a date"),
        ("after:2026-02-30", "at character 7: not a date"),
        ("-after:2026-01-01", "at character 1: after: cannot be excluded"),
        ("tea\x00", "at character 4: U+0000"),
        ("\ud800tea", "at character 1: U+D800"),
        ("a" * (MAX_QUERY + 1), f"is longer than {MAX_QUERY} characters"),
        (" ".join(f"t{n}" for n in range(MAX_TERMS + 1)), f"more than {MAX_TERMS} terms"),
        ("猫" * 60, f"more than {MAX_TERMS} terms"),
    ],
)
def test_refused_with_the_place(text, message):
    with pytest.raises(Invalid) as refused:
        parse(text)

    assert (refused.value.field, message in refused.value.message) == ("q", True), refused.value.message


@given(st.text(alphabet='ab猫 -"#@:*.,0\u0301\ud800from', max_size=MAX_QUERY))
def test_any_text_is_a_bounded_query_or_an_error_of_the_query(text):
    try:
        query = parse(text)
    except Invalid as refused:
        assert refused.field == "q"
    else:
        assert query != Query()
        assert query.required.size + query.excluded.size <= MAX_TERMS


def test_names_are_folded_and_have_trigrams():
    assert parse_name(" @Änna ").name == "anna"
    assert parse_name("Änna").grams == ["ann", "nna"]
    assert trigrams("an") == []


@pytest.mark.parametrize("text", ["", " @ ", "\u0301", "a\x07", "a" * (MAX_QUERY + 1)])
def test_names_that_are_refused(text):
    with pytest.raises(Invalid):
        parse_name(text)
