"""Calls of a store are timed by operation, and counted where the store fails."""

import asyncio
from dataclasses import dataclass

import pytest

from microblog_streams.domain.errors import NoAnswer, NotFound, StoreUnavailable
from microblog_streams.metrics.store_calls import StoreCalls, all_measured, measured


class Shelf:
    kept = 800

    def __init__(self, failure=None):
        self.failure = failure
        self.asked = []

    async def book(self, title, *, edition=1):
        """Return a book."""
        self.asked.append((title, edition))
        if self.failure:
            raise self.failure
        return f"{title} {edition}"

    async def books(self, *titles):
        return [await self.book(title) for title in titles]

    def count(self):
        return len(self.asked)


@dataclass(frozen=True)
class Library:
    shelf: Shelf
    attic: Shelf


@pytest.fixture
def calls():
    return StoreCalls()


async def test_an_operation_is_timed_and_returns_what_it_returned(calls):
    shelf = measured(calls, "library", "shelf", Shelf())

    assert await shelf.book("Emma", edition=2) == "Emma 2"
    assert {labels: times.count for labels, times in calls.seconds.items()} == {("library", "shelf.book"): 1}
    assert not calls.errors


async def test_what_an_operation_calls_itself_is_not_counted(calls):
    await measured(calls, "library", "shelf", Shelf()).books("Emma", "Persuasion")

    assert list(calls.seconds) == [("library", "shelf.books")]


async def test_all_but_operations_is_as_before(calls):
    shelf = measured(calls, "library", "shelf", Shelf())
    assert (shelf.kept, shelf.count()) == (800, 0)
    with pytest.raises(AttributeError):
        shelf.absent  # noqa: B018


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (NoAnswer("library", "silence"), "silent"),
        (StoreUnavailable("library", "closed"), "unavailable"),
        (KeyError("a"), "defect"),
    ],
)
async def test_a_failure_is_counted_by_its_kind_and_raised(calls, failure, kind):
    with pytest.raises(type(failure)):
        await measured(calls, "library", "shelf", Shelf(failure)).book("Emma")

    assert calls.errors == {("library", "shelf.book", kind): 1}
    assert calls.seconds["library", "shelf.book"].count == 1


async def test_an_answer_that_there_is_none_is_no_failure(calls):
    with pytest.raises(NotFound):
        await measured(calls, "library", "shelf", Shelf(NotFound("book", 1))).book("Emma")

    assert not calls.errors


async def test_a_cancelled_call_is_timed_and_no_failure(calls):
    class Slow(Shelf):
        async def book(self, title, *, edition=1):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(measured(calls, "library", "shelf", Slow()).book("Emma"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert (calls.seconds["library", "shelf.book"].count, calls.errors) == (1, {})


async def test_each_part_of_a_store_is_measured_by_its_name(calls):
    library = all_measured(calls, "library", Library(Shelf(), Shelf()))

    await library.shelf.book("Emma")
    await library.attic.book("Emma")

    assert {operation for _, operation in calls.seconds} == {"shelf.book", "attic.book"}


async def test_a_method_that_is_replaced_later_is_called(calls, monkeypatch):
    """Tests break a store's class after the application was made."""
    shelf = measured(calls, "library", "shelf", Shelf())

    async def lost(self, title, *, edition=1):
        return "lost"

    monkeypatch.setattr(Shelf, "book", lost)

    assert await shelf.book("Emma") == "lost"
