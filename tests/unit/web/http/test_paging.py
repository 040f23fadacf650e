"""Cursors: an encoded position is decoded again, and any other text is refused."""

import zlib
from base64 import urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.ids import MAX_USER_ID, encode_user
from web.http import paging
from web.http.paging import CursorKind

owners = st.integers(0, MAX_USER_ID)
users = st.integers(1, MAX_USER_ID)
posts = st.builds(
    lambda number: UUID(int=number & ~(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62), st.integers(0, 2**128 - 1)
)
user_kinds = st.sampled_from([CursorKind.USERS, CursorKind.FOLLOWERS, CursorKind.FOLLOWEES, CursorKind.BLOCKS])
post_kinds = st.sampled_from([CursorKind.POSTS, CursorKind.OLDER, CursorKind.NEWER])


@given(user_kinds, owners, users)
def test_a_user_position_comes_back(kind, owner, position):
    assert paging.decode_user_cursor(paging.encode_cursor(kind, owner, position), kind, owner) == position


@given(post_kinds, owners, posts)
def test_a_post_position_comes_back_with_its_kind(kind, owner, position):
    text = paging.encode_cursor(kind, owner, position)

    assert paging.decode_post_cursor(text, (CursorKind.OLDER, CursorKind.NEWER, CursorKind.POSTS), owner) == (
        kind,
        position,
    )


@given(user_kinds, owners, users, st.data())
def test_a_cursor_with_one_character_changed_is_refused(kind, owner, position, data):
    text = paging.encode_cursor(kind, owner, position)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda character: character != text[place]))

    with pytest.raises(Invalid):
        paging.decode_user_cursor(text[:place] + other + text[place + 1 :], kind, owner)


@given(user_kinds, user_kinds, owners, owners, users)
def test_only_the_page_that_it_is_of_takes_it(kind, other_kind, owner, other_owner, position):
    text = paging.encode_cursor(kind, owner, position)

    if (kind, owner) != (other_kind, other_owner):
        with pytest.raises(Invalid):
            paging.decode_user_cursor(text, other_kind, other_owner)


@given(st.text(max_size=60))
def test_text_of_any_kind_is_refused_in_words(text):
    with pytest.raises(Invalid, match="Link header") as caught:
        paging.decode_post_cursor(text, tuple(CursorKind), 1)
    assert caught.value.field == "cursor"


@pytest.mark.parametrize("addition", ["=", "==", "\n", " ", "A", "!"])
def test_what_base64_would_skip_is_refused(addition):
    text = paging.encode_cursor(CursorKind.USERS, 0, 5)

    with pytest.raises(Invalid):
        paging.decode_user_cursor(text + addition, CursorKind.USERS, 0)


A_POST = UUID("01a22a9d-e3d0-76a4-9cdc-8dab1184fb4a")


def forge(payload):
    """Make what passes the checksum and was never written by us."""
    checksum = zlib.crc32(encode_user(1) + payload).to_bytes(4, "big")
    return urlsafe_b64encode(payload + checksum).rstrip(b"=").decode()


@pytest.mark.parametrize("position", [b"\xff" * 8, b"\x80" + b"\x00" * 7, A_POST.bytes, b"", b"\x00" * 7])
def test_a_forged_user_position_that_no_store_takes_is_refused(position):
    with pytest.raises(Invalid):
        paging.decode_user_cursor(forge(bytes([CursorKind.USERS]) + position), CursorKind.USERS, 1)


@pytest.mark.parametrize("position", [b"\xff" * 16, b"\x00" * 16, b"\x00" * 8, b"\x00" * 17])
def test_a_forged_post_position_that_no_post_has_is_refused(position):
    with pytest.raises(Invalid):
        paging.decode_post_cursor(forge(bytes([CursorKind.POSTS]) + position), (CursorKind.POSTS,), 1)


@pytest.mark.parametrize("payload", [b"", b"\x63" + b"\x00" * 8])
def test_a_forged_cursor_of_no_known_kind_is_refused(payload):
    with pytest.raises(Invalid):
        paging.decode_user_cursor(forge(payload), CursorKind.USERS, 1)


def test_cursors_that_clients_hold_stay_good():
    """A change of the format would break every client in the middle of a list."""
    assert paging.encode_cursor(CursorKind.USERS, 0, 20) == "AQAAAAAAAAAUxE4xgw"
    assert paging.decode_user_cursor("AQAAAAAAAAAUxE4xgw", CursorKind.USERS, 0) == 20
