"""The application as it is composed, for tests of how its parts are put together."""

from collections.abc import Callable

import pytest

from microblog_streams.bootstrap import application
from microblog_streams.bootstrap.application import MicroblogApp
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment


@pytest.fixture
def real_application(monkeypatch) -> Callable[[Settings], MicroblogApp]:
    """Make the application that a worker runs, with all routes and none of its services started."""
    for part, name in [
        (application.transport, "patch_connections"),
        (application.event_loop, "use"),
        (application, "quieten_libraries"),
    ]:
        monkeypatch.setattr(part, name, lambda *_: None)  # they are for a whole process

    def make(settings: Settings) -> MicroblogApp:
        app = application.create_app(settings, Deployment(1, 8))
        app.web.init_server()
        return app

    return make
