"""Fixes of topics (faust-streaming 0.15.3).

**The command ``faust agents`` ends with a traceback where an agent reads two topics.** It asks each agent's channel for
its single name. Here a channel of several topics returns all their names.

**Every record waits for three turns of the event loop before it reaches the producer.** A topic gets the producer from
the app, which starts it if necessary, and yields for the sake of tasks that ask at the same time. In a busy worker a
turn is a millisecond: posts waited that much longer for their confirmation, and the changelog's records, which are sent
one after the other, went to Kafka in a request each, 1,100 a second. Here a started producer is used directly.
"""

from faust.topics import Topic
from faust.types.transports import ProducerT


class PatchedTopic(Topic):
    """A topic, or several that are read as one channel (setting ``Topic``)."""

    def get_topic_name(self) -> str:
        """Return the name; for several topics all names, only for display: nothing is published on several."""
        return ", ".join(self.topics) if len(self.topics) > 1 else super().get_topic_name()

    async def _get_producer(self) -> ProducerT:
        producer = self.app.producer
        return producer if producer.started else await super()._get_producer()
