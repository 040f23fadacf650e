"""Kafka alone: records of a post's size, each confirmed by all replicas, from aiokafka's producer as it is released.

    python -m benchmarks.bench.ceilings.produce

Prints the confirmed records a second. The topic is read by no worker.
"""

from itertools import count

from aiokafka import AIOKafkaProducer

from benchmarks.bench.ceilings.clients import BARE, Rates, rate, report
from benchmarks.bench.ceilings.topic import TOPIC, make_topic
from benchmarks.load import CONTENT
from microblog_streams.config.settings import load_settings
from microblog_streams.domain.ids import encode_user
from microblog_streams.kafka.clients import client_options


async def produce() -> Rates:
    """Produce records of as many authors as there are calls."""
    settings, authors = load_settings(), count(1)
    await make_topic(settings)
    async with AIOKafkaProducer(acks="all", **client_options(settings)) as producer:
        return {
            BARE: await rate(lambda: producer.send_and_wait(TOPIC, CONTENT.encode(), key=encode_user(next(authors))))
        }


if __name__ == "__main__":
    report(produce())
