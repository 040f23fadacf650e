"""Mends of topics (faust-streaming 0.15.3).

**The command ``faust agents`` ends with a traceback where an agent reads two topics.** It asks each agent's channel for
its one name. Here a channel of several answers with all of them.

**Every record waits for three turns of the event loop before it is handed to the producer.** A topic asks the app for
its producer, to be started if it is not yet, and that question takes turns on purpose, for the sake of those who ask
meanwhile. In a busy worker a turn is a millisecond: a post waited that much longer for its confirmation, and the
changelog's records, which are sent one after the other, went to Kafka each in a request of its own, 1,100 a second.
Here a producer that was started is not asked for again.
"""

from faust.topics import Topic
from faust.types.transports import ProducerT


class PatchedTopic(Topic):
    """A topic, or several read as one channel (setting ``Topic``)."""

    def get_topic_name(self) -> str:
        """Return the name; for several, all of them, for people to read: nothing is ever sent to several."""
        return ", ".join(self.topics) if len(self.topics) > 1 else super().get_topic_name()

    async def _get_producer(self) -> ProducerT:
        producer = self.app.producer
        return producer if producer.started else await super()._get_producer()
