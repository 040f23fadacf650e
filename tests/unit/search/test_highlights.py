"""Highlights: where a post matches, in code points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.errors import Invalid
from microblog_streams.search.highlights import highlights
from microblog_streams.search.query import parse


@pytest.mark.parametrize(
    ("query", "text", "parts"),
    [
        ("tea", "Tea and tea", ["Tea", "tea"]),
        ('"green tea"', "green, TEA; tea green", ["green, TEA"]),
        ("green tea", "green-tea", ["green", "tea"]),
        ("#tea", "#Tea and tea", ["#Tea"]),
        ("@ann", "👍👍 @Ann.", ["@Ann"]),
        ("猫", "猫が猫", ["猫", "猫"]),
        ("好き", "猫が好きです", ["好き"]),
        ("猫が好き", "猫が好きです", ["猫が好き"]),
        ("👍", "👍🏽", ["👍🏽"]),
        ("-tea from:ann", "tea", []),
    ],
)
def test_the_places_of(query, text, parts):
    assert [text[start:end] for start, end in highlights(parse(query), text)] == parts


@given(st.text(alphabet='ab猫が👍 -"#@é', max_size=30), st.text(alphabet="ab猫が👍 #@é", max_size=60))
def test_places_are_in_order_apart_and_within_the_text(query, text):
    try:
        spans = highlights(parse(query), text)
    except Invalid:
        return
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert len(set(edges)) == len(edges)
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(text))
