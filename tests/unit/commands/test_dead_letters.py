"""What the command ``dead-letters`` understands, and how it goes on where one of many letters cannot be replayed."""

import pytest

from microblog_streams.commands.dead_letters import Request, execute
from microblog_streams.dead_letters.operations import DeadLetters
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.dead_letters import FakeDeadLetterReader, FakeResolvedLetters, FakeSourceTopics


@pytest.fixture
def reader():
    return FakeDeadLetterReader()


@pytest.fixture
def source():
    return FakeSourceTopics()


@pytest.fixture
def letters(reader, source):
    async def deployment():
        return Deployment(1, 8)

    return DeadLetters(reader, FakeResolvedLetters(FakeDatabase()), source, deployment)


@pytest.mark.parametrize(
    "asked",
    [
        Request("list", letter_id="0-1"),
        Request("list", all_open=True),
        Request("show"),
        Request("show", letter_id="0-1", all_open=True),
        Request("replay"),
        Request("replay", letter_id="0-1", all_open=True),
        Request("discard", yes=True),
        Request("discard", letter_id="0-1", all_open=True, yes=True),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(asked):
    with pytest.raises(SetupError, match=f"dead-letters {asked.action}"):
        asked.check()


@pytest.mark.parametrize(
    "asked",
    [
        Request("list"),
        Request("show", letter_id="0-1"),
        Request("replay", letter_id="0-1"),
        Request("replay", all_open=True),
        Request("discard", letter_id="0-1", yes=True),
        Request("discard", all_open=True, yes=True),
    ],
)
def test_a_request_that_makes_sense_is_taken(asked):
    asked.check()


def test_nothing_is_discarded_unasked_without_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(SetupError, match="--yes"):
        Request("discard", all_open=True).check()


async def test_a_letter_that_cannot_be_replayed_keeps_none_of_the_others(reader, letters, source, capsys):
    reader.add(b"0")
    reader.add(b"1", source="\x1borders")
    reader.add(b"2")

    with pytest.raises(SetupError, match="1 stay open, 2 done"):
        await execute(Request("replay", all_open=True), letters)

    assert [value for _, _, value, _ in source.records] == [b"0", b"2"]
    assert capsys.readouterr().err.startswith("0-1: its topic '\\x1borders'")
    assert await letters.count() == 1


async def test_a_store_that_is_away_ends_the_replay(reader, letters, source):
    reader.add(b"0")
    source.away = True

    with pytest.raises(StoreUnavailable):
        await execute(Request("replay", all_open=True), letters)


async def test_one_letter_is_replayed_and_the_others_stay(reader, letters, source, capsys):
    reader.add(b"0")
    reader.add(b"1")

    await execute(Request("replay", letter_id="0-1"), letters)

    assert [value for _, _, value, _ in source.records] == [b"1"]
    assert await letters.count() == 1
    assert capsys.readouterr().out.startswith("1 replayed")


@pytest.mark.parametrize(("agreed", "open_then"), [(True, 0), (False, 2)])
async def test_discarding_asks_for_confirmation(reader, letters, capsys, monkeypatch, agreed, open_then):
    async def answer(question):
        print(question)
        return agreed

    monkeypatch.setattr("microblog_streams.commands.dead_letters._confirm", answer)
    reader.add(b"0")
    reader.add(b"1")

    await execute(Request("discard", all_open=True), letters)

    assert "Discard all 2 open dead letters, " in capsys.readouterr().out
    assert await letters.count() == open_then


async def test_no_events_need_no_lookup(letters, capsys):
    await execute(Request("discard", all_open=True), letters)

    assert capsys.readouterr().out == "0 discarded\n"


async def test_a_listing_says_when_there_is_nothing(letters, capsys):
    await execute(Request("list"), letters)
    await execute(Request("list", as_json=True), letters)

    assert capsys.readouterr().out == "no open dead letters\n[]\n"
