"""One address opens 10,000 connections to live timelines."""

from tests.support.contracts.flooded_worker import check_others_are_served

CONNECTIONS = 10_000


async def test_the_others_are_served_beside_10_000_connections_of_one_address(workers, people, eventually):
    worker = workers().start(MAX_STREAMS_PER_ADDRESS="64", MAX_CONNECTIONS_PER_ADDRESS="256")
    eventually(worker.well, worker)
    user, author = people.register(worker), people.register(worker)
    people.follow(worker, user, author)

    await check_others_are_served(worker, user, author, CONNECTIONS)
