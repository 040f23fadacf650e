"""The topic that ceilings produce to, and no worker reads."""

from contextlib import suppress
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from microblog_streams.config.settings import Settings
from microblog_streams.kafka.clients import client_options

TOPIC: Final = "bench.ceiling"


async def make_topic(settings: Settings) -> None:
    """Make the topic, with as many partitions as ours have, unless it is there."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        with suppress(TopicAlreadyExistsError):
            await admin.create_topics([NewTopic(TOPIC, settings.partitions, 1)])
    finally:
        await admin.close()
