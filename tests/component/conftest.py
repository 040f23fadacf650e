"""The application as it is composed, for tests of how its parts are put together."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from microblog_streams.bootstrap import application
from microblog_streams.bootstrap.application import MicroblogApp
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment


@pytest.fixture
def real_application(monkeypatch: pytest.MonkeyPatch) -> Callable[[Settings], MicroblogApp]:
    """Make the application that a worker runs, with all routes and none of its services started."""
    return partial(_real_application, monkeypatch)


@pytest.fixture(scope="module")
def module_application() -> Iterator[Callable[[Settings], MicroblogApp]]:
    """The same for an application that all tests of a module share."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield partial(_real_application, monkeypatch)


def _real_application(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> MicroblogApp:
    for part, name in [
        (application.kafka_client, "patch_clients"),
        (application.event_loop, "use"),
    ]:
        monkeypatch.setattr(part, name, lambda *_: None)  # they are for a whole process
    app = application.create_app(settings, Deployment(1, 8))
    app.web.init_server()
    return app
