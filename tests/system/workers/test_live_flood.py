"""An address that opens many more live streams than it may; tests/soak has 10,000 of them."""

from tests.support.contracts.flooded_worker import check_others_are_served


async def test_the_others_are_served(workers, people, kafka, eventually):
    await check_others_are_served(workers, people, kafka, eventually, connections=400)
