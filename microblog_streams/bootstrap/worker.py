"""Faust's worker, configured by our settings alone."""

import logging
from typing import Any, Protocol, cast

import faust
from faust.cli.base import DEFAULT_LOGLEVEL
from faust.types import AppT
from yarl import URL

from microblog_streams.config.settings import Settings, exit_with_error
from microblog_streams.domain.errors import SetupError
from microblog_streams.observability.logs import log_request_ids


class Application(Protocol):
    """What the worker needs of the application besides Faust's own."""

    settings: Settings


class MicroblogWorker(faust.Worker):
    """Faust's worker. It logs at the level of the settings unless the command line names another."""

    def __init__(self, app: AppT, *args: Any, loglevel: str | int | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Take Faust's arguments. Ends the process if they contradict the settings of the web server."""
        settings = cast(Application, app).settings
        _check_options(app, settings)
        if loglevel in (None, DEFAULT_LOGLEVEL):
            loglevel = settings.log_level
        super().__init__(app, *args, loglevel=loglevel, **kwargs)

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Add the id of the request to every line that Faust's handlers write."""
        super().on_setup_root_logger(logger, level)
        log_request_ids()


def _check_options(app: AppT, settings: Settings) -> None:
    """End the process if Faust's own options moved the web server: the URL that other workers get would be wrong."""
    conf = app.conf
    served = (conf.web_bind, conf.web_port, conf.web_transport, conf.web_enabled)
    if served != (settings.web_host, settings.web_port, URL("tcp://"), True):
        exit_with_error(
            SetupError(
                "a worker's web server is not configured by --web-bind, --web-port, --web-transport or --without-web: "
                "set MICROBLOG_WEB_HOST and MICROBLOG_WEB_PORT"
            )
        )
