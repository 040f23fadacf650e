"""How long faults last: as long as is promised, or shorter where there is no time, all by one factor.

Only here is time waited for, because here it is what is tested: a part that is away for half a minute.
"""

import os
import time
from collections.abc import Callable

#: Below 1 in the short form of the tests.
SCALE = float(os.environ.get("CHAOS_SCALE", "1"))
#: Calls a second of the load; fewer where other work has the machine.
RATE = int(os.environ.get("CHAOS_RATE", "40"))
#: Times as long for calls to be answered and for things to have happened, where other work has the machine.
TIMEOUT_FACTOR = float(os.environ.get("CHAOS_PATIENCE", "1"))
#: Seconds for which each part is away, and a worker that leads.
KAFKA_AWAY, REDIS_AWAY, CASSANDRA_AWAY, POSTGRES_AWAY, LEADER_FROZEN = 30.0, 20.0, 60.0, 20.0, 60.0
#: Seconds for which the search engine is away or read-only; and as long before that, for comparison.
SEARCH_AWAY = 60.0
#: Seconds for which a part is slow, once in each direction; for which Redis is short of memory.
SLOW, SHORT_OF_MEMORY = 15.0, 15.0
#: Seconds for which one worker loses a part: less than its session, which is 10 s, and more; and one direction of it.
SHORT, LONG, ONE_WAY = 4.0, 20.0, 15.0
#: Seconds for which two things are wrong at once, at most.
TWO_AT_ONCE = 20.0
#: Seconds that nothing scales down: what takes less was not seen by anybody.
LEAST = 3.0
#: Seconds between two looks.
PAUSE = 0.5


def during(stated: float, look: Callable[[], object] = lambda: None) -> None:
    """Look again and again for as long as is stated, to scale; at least twice, at the beginning and the end."""
    over = time.monotonic() + max(stated * SCALE, LEAST)
    look()
    while time.monotonic() < over:
        time.sleep(PAUSE)
        look()
