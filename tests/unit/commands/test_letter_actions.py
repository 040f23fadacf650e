"""What the command ``dead-letters`` understands, and how it goes on where one of many letters cannot be replayed."""

import pytest

from microblog_streams.dead_letters.actions import Order, carry_out
from microblog_streams.dead_letters.operations import DeadLetters
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from tests.fakes.database import FakeDatabase
from tests.fakes.letters import FakeLetterBox, FakeSettledLetters, FakeSourceLog


@pytest.fixture
def box():
    return FakeLetterBox()


@pytest.fixture
def source():
    return FakeSourceLog()


@pytest.fixture
def letters(box, source):
    async def settled_deployment():
        return Deployment(1, 8)

    return DeadLetters(box, FakeSettledLetters(FakeDatabase()), source, settled_deployment)


@pytest.mark.parametrize(
    "order",
    [
        Order("list", ident="0-1"),
        Order("list", everything=True),
        Order("show"),
        Order("show", ident="0-1", everything=True),
        Order("replay"),
        Order("replay", ident="0-1", everything=True),
        Order("discard", yes=True),
        Order("discard", ident="0-1", everything=True, yes=True),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order):
    with pytest.raises(SetupError, match=f"dead-letters {order.action}"):
        order.check()


@pytest.mark.parametrize(
    "order",
    [
        Order("list"),
        Order("show", ident="0-1"),
        Order("replay", ident="0-1"),
        Order("replay", everything=True),
        Order("discard", ident="0-1", yes=True),
        Order("discard", everything=True, yes=True),
    ],
)
def test_an_order_that_makes_sense_is_taken(order):
    order.check()


def test_nothing_is_discarded_unasked_where_nobody_can_answer(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(SetupError, match="--yes"):
        Order("discard", everything=True).check()


async def test_a_letter_that_cannot_be_replayed_keeps_none_of_the_others(box, letters, source, capsys):
    box.bury(b"0")
    box.bury(b"1", source="\x1borders")
    box.bury(b"2")

    with pytest.raises(SetupError, match="1 stay open, 2 done"):
        await carry_out(Order("replay", everything=True), letters)

    assert [value for _, _, value, _ in source.records] == [b"0", b"2"]
    assert capsys.readouterr().err.startswith("0-1: the topic '\\x1borders'")
    assert await letters.count() == 1


async def test_a_store_that_is_away_ends_the_replay(box, letters, source):
    box.bury(b"0")
    source.away = True

    with pytest.raises(StoreUnavailable):
        await carry_out(Order("replay", everything=True), letters)


async def test_one_letter_is_replayed_and_the_others_stay(box, letters, source, capsys):
    box.bury(b"0")
    box.bury(b"1")

    await carry_out(Order("replay", ident="0-1"), letters)

    assert [value for _, _, value, _ in source.records] == [b"1"]
    assert await letters.count() == 1
    assert capsys.readouterr().out.startswith("1 replayed")


@pytest.mark.parametrize(("agreed", "open_then"), [(True, 0), (False, 2)])
async def test_whoever_discards_is_asked(box, letters, capsys, monkeypatch, agreed, open_then):
    async def answer(question):
        print(question)
        return agreed

    monkeypatch.setattr("microblog_streams.dead_letters.actions._agreed", answer)
    box.bury(b"0")
    box.bury(b"1")

    await carry_out(Order("discard", everything=True), letters)

    assert "Discard all 2 open dead letters, " in capsys.readouterr().out
    assert await letters.count() == open_then


async def test_nobody_is_asked_about_nothing(letters, capsys):
    await carry_out(Order("discard", everything=True), letters)

    assert capsys.readouterr().out == "0 discarded\n"


async def test_a_listing_says_when_there_is_nothing(letters, capsys):
    await carry_out(Order("list"), letters)
    await carry_out(Order("list", as_json=True), letters)

    assert capsys.readouterr().out == "no open dead letters\n[]\n"
