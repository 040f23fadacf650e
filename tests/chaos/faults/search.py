"""The search engine killed, or read-only as after a full disk: fan-out goes on, and afterwards nothing is missing.

Engine and indexer run for the length of the fault alone, and the workers know of them. Deliveries are counted for as
long before the fault as during it.
"""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from microblog_streams.config.settings import PREFIX
from microblog_streams.local.opensearch import OpenSearch
from microblog_streams.local.stack import Stack
from tests.chaos import fleet
from tests.chaos.deliveries import measured
from tests.chaos.fault import Fault
from tests.chaos.lasting import SEARCH_AWAY, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import DEADLINE, Scene
from tests.support.live.command import run_command
from tests.support.live.ports import free_port
from tests.support.live.stack import running_stack
from tests.support.live.worker import Worker

URL = f"{PREFIX}SEARCH_URL"
#: The only answer of ``search verify`` that is good: its exit status, and the end of what it says.
NOTHING_DIFFERS = (0, "0 differed")


@dataclass(frozen=True)
class Search:
    """The engine and its indexer."""

    scene: Scene
    engine: Stack
    indexer: Worker

    def caught_up(self) -> None:
        """Wait until the indexer has committed all events that there are at this moment; more may come meanwhile."""
        kafka = self.scene.kafka
        ends = kafka.search_ends()
        self.scene.eventually(lambda: kafka.search_reached(ends), self.indexer, seconds=DEADLINE)

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Kill the engine; start it again after the block."""
        self.engine.kill(OpenSearch.name)
        try:
            yield
        finally:
            self.engine.restart(OpenSearch.name)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Have the engine refuse all writes, as it does by itself once its disk is 95 % full."""
        self._block_writes(True)
        try:
            yield
        finally:
            self._block_writes(None)

    def _block_writes(self, value: bool | None) -> None:
        body = json.dumps({"index.blocks.read_only_allow_delete": value}).encode()
        url, headers = f"{self.engine.environment[URL]}/_all/_settings", {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PUT"), timeout=30) as answer:
            assert answer.status == 200


@contextmanager
def searching(scene: Scene) -> Iterator[Search]:
    """Run an engine and an indexer within the block; all that there is already is in the index."""
    with running_stack([OpenSearch]) as running:
        over = {URL: running.stack.environment[URL]}
        with fleet.reconfigured(scene, over), _indexer(scene, over) as indexer:
            status, said, errors = run_command({**scene.stack.environment, **over}, "search", "reindex")
            assert status == 0, (said, errors)
            yield Search(scene, running.stack, indexer)


@contextmanager
def _indexer(scene: Scene, over: dict[str, str]) -> Iterator[Worker]:
    name = f"search{time.time_ns()}"
    log = scene.stack.stack.data_dir / "logs" / f"{name}.log"
    indexer = Worker(name, free_port(), {**scene.stack.environment, **over}, log, app="tests.chaos.upgraded_search")
    indexer.start(**scene.settings)
    try:
        scene.eventually(indexer.ready, indexer, seconds=DEADLINE)
        yield indexer
        assert indexer.stop() == 0, indexer.tail()
    finally:
        indexer.kill()


@dataclass(frozen=True)
class Blow:
    """Something that the engine suffers for a while, and what a user who searches sees of it."""

    name: str
    strikes: Callable[[Search], AbstractContextManager[None]]
    searches: Callable[[Onlooker], object]


#: It is killed, and stays away: searches are refused, and nothing else is.
KILLED = Blow("killed", Search.killed, lambda onlooker: onlooker.is_refused("GET", "/search/posts?q=hello"))
#: Its disk is full: what it had is found, what comes is found later.
READ_ONLY = Blow("read-only", Search.read_only, lambda onlooker: onlooker.answers(200, "GET", "/search/posts?q=hello"))


def strike(scene: Scene, *blows: Blow) -> None:
    """Have the engine suffer one after the other, a minute each; compare the index with the stores after each."""
    with searching(scene) as search:
        search.caught_up()
        onlooker = Onlooker(scene)
        with measured(scene, "before"):
            during(SEARCH_AWAY, partial(_goes_on, onlooker))
        for blow in blows:
            with blow.strikes(search), measured(scene, blow.name):
                _goes_on(onlooker)
                ends = scene.kafka.search_ends()  # the post of just now, which the engine must refuse, is below them
                during(SEARCH_AWAY, lambda blow=blow: (_goes_on(onlooker), blow.searches(onlooker)))
                assert not scene.kafka.search_reached(ends), "the engine takes what it should refuse"
            scene.rest()
            _nothing_differs(search)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.sees_everything()


def _nothing_differs(search: Search) -> None:
    """Stop the calls, wait until the indexer has read all events, and compare the index with the stores."""
    scene = search.scene
    with scene.load.still():
        scene.caught_up()
        search.caught_up()
        environment = {**scene.stack.environment, URL: search.engine.environment[URL]}
        status, said, errors = run_command(environment, "search", "verify", "--check")
    words = said.decode().strip()
    assert (status, words[-len(NOTHING_DIFFERS[1]) :]) == NOTHING_DIFFERS, (words, errors)
    scene.figures["verify"] = words


FAULTS = [
    Fault("search-engine-killed", lambda scene: strike(scene, KILLED)),
    Fault("search-engine-read-only", lambda scene: strike(scene, READ_ONLY)),
]
