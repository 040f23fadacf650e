"""Entries for the contract of timelines, by the numbers of their posts, and how a timeline is read back."""

from collections.abc import Iterable
from uuid import UUID

from microblog_streams.domain.ids import encode_entry, entry_post_id
from microblog_streams.ports import TimelinePage, TimelineState, TimelineStore

#: Entries that the timelines under test keep, and the length above which they are trimmed.
KEPT, TRIM_ABOVE = 20, 22
AUTHOR, OTHER = 1, 2**63 - 1


def post(number: int) -> UUID:
    """Return the id of the post with this number; ids sort as their numbers do, in their last bytes."""
    return UUID(int=number)


def entry(number: int, author: int = AUTHOR) -> bytes:
    return encode_entry(post(number), author)


def entries(numbers: Iterable[int], author: int = AUTHOR) -> list[bytes]:
    return [entry(number, author) for number in numbers]


def numbers(part: TimelinePage) -> list[int]:
    return [entry_post_id(each).int for each in part.entries]


async def whole(timelines: TimelineStore, user: int) -> tuple[TimelineState, list[int]]:
    part = await timelines.older(user, None, 10 * KEPT)
    return part.state, numbers(part)


def down(first: int, last: int) -> list[int]:
    return list(range(first, last - 1, -1))
