"""Tokens as text: random, recognisable, and told from what is none without a look-up."""

import pytest

from microblog_streams.operations import tokens

#: One that was made once: names of tests must be the same in every process.
TOKEN = "mb_2CffiNNV904Sloa8RLak3dqcPd_LptPt0udjsiOTCT49U8Kh"


def test_a_new_token_is_well_formed_and_like_no_other():
    issued = {tokens.new().get_secret_value() for _ in range(100)}

    assert len(issued) == 100
    assert all(tokens.well_formed(token) for token in issued)
    assert all(token.startswith("mb_") and len(token) == 51 for token in issued)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mb_",
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "=",
        TOKEN[3:] + "abc",
        TOKEN.replace("mb_", "MB_"),
        "mb_" + TOKEN[3:].swapcase(),
        TOKEN[:20] + "\n" + TOKEN[21:],
        TOKEN[:20] + "ü" + TOKEN[21:],
        TOKEN[:20] + "\udcff" + TOKEN[21:],
        "mb_" + "=" * 48,
        "mb_" + "A" * 47 + "B",
    ],
)
def test_what_is_no_token_is_told(text):
    assert not tokens.well_formed(text)


def test_every_character_counts():
    changed = [TOKEN[:at] + ("A" if TOKEN[at] != "A" else "B") + TOKEN[at + 1 :] for at in range(len(TOKEN))]

    assert not any(tokens.well_formed(text) for text in changed)


def test_what_is_kept_tells_nothing_of_the_token():
    kept = tokens.hashed(TOKEN)

    assert len(kept) == 32
    assert TOKEN.encode() not in kept


def test_a_token_does_not_show_where_it_is_printed():
    secret = tokens.new()

    assert secret.get_secret_value() not in f"{secret} {secret!r}"
