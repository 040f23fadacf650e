"""One address opens 10,000 connections to live timelines."""

from tests.support.contracts.flooded_worker import check_others_are_served


async def test_the_others_are_served_beside_10_000_connections_of_one_address(workers, people, kafka, eventually):
    await check_others_are_served(workers, people, kafka, eventually, connections=10_000)
