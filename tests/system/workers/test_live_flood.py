"""An address that opens many more live streams than it may; tests/soak has 10,000 of them."""

from tests.support.contracts.flooded_worker import check_others_are_served

CONNECTIONS = 400


async def test_the_others_are_served(workers, people, eventually):
    worker = workers().start(MAX_STREAMS_PER_ADDRESS="64", MAX_CONNECTIONS_PER_ADDRESS="256")
    eventually(worker.well, worker)
    user, author = people.register(worker), people.register(worker)
    people.follow(worker, user, author)

    await check_others_are_served(worker, user, author, CONNECTIONS)
