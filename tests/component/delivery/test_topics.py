"""The mend of topics: who sends has the producer at once, and the event loop takes no turns over it."""

import asyncio
from types import SimpleNamespace

from faust.topics import Topic
from mode.utils.futures import stampede

from microblog_streams.delivery.faust_patches.transport import PatchedTopic


class App:
    """Has a producer, and starts it as Faust's app does."""

    def __init__(self, started):
        self.producer = SimpleNamespace(started=started)

    @stampede
    async def maybe_start_producer(self):
        self.producer.started = True
        return self.producer


def topic_of(kind, app):
    """Return a topic that knows nothing but its app."""
    topic = kind.__new__(kind)
    topic.app = app
    return topic


async def turns(kind, app):
    """Return the turns that the loop took until the topic had its producer."""
    asking = asyncio.create_task(topic_of(kind, app)._get_producer())
    taken = 0
    while not asking.done():
        await asyncio.sleep(0)
        taken += 1
    assert await asking is app.producer
    return taken


async def test_a_started_producer_is_had_at_once():
    assert await turns(PatchedTopic, App(started=True)) == 1


async def test_faust_s_own_topic_takes_turns():
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert await turns(Topic, App(started=True)) > 3


async def test_a_producer_that_is_not_started_is_started_first():
    app = App(started=False)

    assert await topic_of(PatchedTopic, app)._get_producer() is app.producer
    assert app.producer.started
