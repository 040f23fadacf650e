"""Mend: the command ``faust agents`` ends with a traceback where an agent reads two topics (faust-streaming 0.15.3).

It asks each agent's channel for its one name. Here a channel of several answers with all of them.
"""

from faust.topics import Topic


class NamedTopic(Topic):
    """A topic, or several read as one channel (setting ``Topic``)."""

    def get_topic_name(self) -> str:
        """Return the name; for several, all of them, for people to read: nothing is ever sent to several."""
        return ", ".join(self.topics) if len(self.topics) > 1 else super().get_topic_name()
