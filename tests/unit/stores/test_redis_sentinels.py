"""Sentinels that do not agree: who knows the newest configuration is believed, also where others answer first."""

import pytest
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as NotConnected

from microblog_streams.stores.redis.address import Sentinels

NEVER_USED = [("127.0.0.1", 1)] * 3


def knows(port, epoch, *, down=False):
    return {
        "service": {
            "ip": "10.0.0.1",
            "port": port,
            "config-epoch": epoch,
            "is_master": True,
            "is_sdown": down,
            "is_odown": False,
            "num-other-sentinels": 2,
        }
    }


class One:
    """A Sentinel that answers, or raises what it has in place of an answer."""

    def __init__(self, answer):
        self.answer = answer

    async def sentinel_masters(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def sentinels(*answers):
    made = Sentinels(NEVER_USED)
    made.sentinels = [One(answer) for answer in answers]
    return made


@pytest.mark.parametrize(
    "answers",
    [
        (knows(1, 4), knows(2, 5), knows(2, 5)),
        (knows(2, 5), knows(1, 4), NotConnected("away")),
        (NotConnected("away"), {}, knows(2, 5)),
    ],
)
async def test_the_newest_configuration_counts(answers):
    assert await sentinels(*answers).discover_master("service") == ("10.0.0.1", 2)


async def test_a_primary_of_an_older_configuration_is_not_named_where_the_newer_one_does_not_answer():
    with pytest.raises(NotConnected, match="no Sentinel knows a primary of service that answers"):
        await sentinels(knows(1, 4), knows(2, 5, down=True)).discover_master("service")


async def test_where_none_answers_the_first_reason_is_told():
    with pytest.raises(AuthenticationError, match="wrong password"):
        await sentinels(AuthenticationError("wrong password"), NotConnected("away")).discover_master("service")
