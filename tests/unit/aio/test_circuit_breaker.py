"""A store that has stopped answering is waited for once, and used again as soon as it answers."""

import asyncio
import gc

import pytest

from microblog_streams.aio import failures as module
from microblog_streams.aio.failures import CircuitBreaker, best_effort
from microblog_streams.domain.errors import NoAnswer, StoreUnavailable
from tests.support.waiting import until

SILENCE = NoAnswer("redis", "no answer in time")


class Store:
    """Answers what the circuit asks, unless it is away."""

    def __init__(self):
        self.failure = SILENCE
        self.asked = 0

    async def ask(self):
        self.asked += 1
        if self.failure:
            raise self.failure


@pytest.fixture
def store():
    return Store()


@pytest.fixture
async def circuit(store, monkeypatch):
    monkeypatch.setattr(module, "PROBE_PAUSE_SECONDS", 0.001)
    circuit = CircuitBreaker("redis", store.ask)
    yield circuit
    circuit.close()


@pytest.fixture
def call(circuit):
    """Calls the store, with this outcome."""

    def call(error=None):
        with circuit.call():
            if error:
                raise error

    return call


def fails(call, error):
    with pytest.raises(type(error)) as raised:
        call(error)
    assert raised.value is error


async def test_calls_are_refused_at_once_after_one_without_answer(call, circuit):
    fails(call, SILENCE)
    with pytest.raises(StoreUnavailable, match="redis is unavailable: it has stopped answering"):
        call()
    assert circuit.open
    assert circuit.openings == 1


async def test_it_is_asked_until_it_answers_and_is_used_again_then(call, circuit, store):
    fails(call, SILENCE)
    await until(lambda: store.asked > 3)
    assert circuit.open

    store.failure = StoreUnavailable("redis", "Connection refused")
    asked = store.asked
    await until(lambda: store.asked > asked + 3)
    assert circuit.open

    store.failure = None
    await until(lambda: not circuit.open)
    call()


async def test_a_slow_call_beside_one_that_is_answered_proves_nothing(call, circuit):
    with pytest.raises(NoAnswer), circuit.call():
        call()
        raise SILENCE
    assert not circuit.open


async def test_an_answer_before_the_call_began_proves_nothing_either(call, circuit):
    call()
    fails(call, SILENCE)
    assert circuit.open


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("redis", "Connection refused"),
        NoAnswer("postgres", "of another store, used within the call"),
        ValueError("a mistake"),
        asyncio.CancelledError(),
    ],
)
async def test_only_silence_of_this_store_opens_it(call, circuit, error):
    fails(call, error)
    assert not circuit.open


async def test_it_breaks_again_after_it_was_mended(call, circuit, store):
    fails(call, SILENCE)
    store.failure = None
    await until(lambda: not circuit.open)
    store.failure = SILENCE
    fails(call, SILENCE)
    assert circuit.open


async def test_closing_ends_the_questions(call, circuit, store):
    fails(call, SILENCE)
    await until(lambda: store.asked > 1)
    circuit.close()
    await until(lambda: not circuit.open)


async def test_a_call_that_times_out_after_the_end_begins_no_questions(call, circuit, store):
    circuit.close()
    fails(call, SILENCE)
    assert not circuit.open


async def test_it_ends_though_a_cancellation_is_lost(monkeypatch):
    """As where a library's error takes the cancellation's place."""
    asked = asyncio.Event()

    async def ask():
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise SILENCE from None

    circuit = CircuitBreaker("redis", ask)
    with pytest.raises(NoAnswer), circuit.call():
        raise SILENCE
    await asked.wait()
    circuit.close()
    await until(lambda: not circuit.open)


async def test_a_best_effort_step_returns_its_result_or_the_default_where_its_store_is_unavailable(store):
    assert await best_effort("ask", store.ask, "default") == "default"

    store.failure = None
    assert await best_effort("ask", store.ask, "default") is None


async def test_a_best_effort_step_that_is_cancelled_before_it_began_leaves_no_coroutine_behind(store):
    """A coroutine that is never awaited is a RuntimeWarning, which pytest raises."""
    task = asyncio.create_task(best_effort("ask", store.ask, None))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    gc.collect()
    assert store.asked == 0
