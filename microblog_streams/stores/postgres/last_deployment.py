"""The deployment that a process assumes at its start, before it connects: the app's name depends on it.

PostgreSQL is asked first. If it does not answer, a worker uses its last known deployment, from a file in its folder; a
worker without that file assumes topic set 1. ``services.deployment_watch`` checks again once PostgreSQL answers. Until
then a wrong assumption is harmless: the topics of an old topic set take no posts.
"""

import json
import logging
from contextlib import closing, suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final

import psycopg2

from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.deployment import SELECT, read
from microblog_streams.stores.postgres.session import first_line, target

logger = logging.getLogger(__name__)

#: Limit of the query for one row, connect included.
_TIMEOUT_SECONDS: Final = 2


def last_deployment(settings: Settings) -> Deployment:
    """Return the deployment in PostgreSQL, else the last one that this worker knew, else topic set 1.

    The era is the later of the first two: PostgreSQL may have lost its own.
    Blocks for some seconds at most: call it before the event loop runs.
    """
    known = _recall(_file(settings))
    try:
        asked = _ask(settings)
        return replace(asked, era=max(asked.era, known.era)) if known else asked
    except (psycopg2.Error, SetupError, LookupError) as exc:
        logger.info("deployment_not_asked reason=%s", first_line(exc))
    return known or Deployment(1, settings.partitions)


def remember(settings: Settings, deployment: Deployment) -> None:
    """Save the deployment for the next start. Ignores an unwritable folder, which other code reports."""
    file = _file(settings)
    with suppress(OSError):
        new_file = file.with_suffix(".new")
        new_file.write_text(json.dumps(asdict(deployment)), encoding="utf-8")
        new_file.replace(file)


def _ask(settings: Settings) -> Deployment:
    url = settings.postgres_url.get_secret_value()
    options = {"statement_timeout": _TIMEOUT_SECONDS * 1000, "lock_timeout": _TIMEOUT_SECONDS * 1000}
    where: dict[str, Any] = {
        **target(url, f"microblog {settings.worker_name}", options),
        "connect_timeout": _TIMEOUT_SECONDS,
    }
    with closing(psycopg2.connect(**where)) as connection, connection.cursor() as cursor:
        cursor.execute(SELECT)
        row = cursor.fetchone()
    if row is None:
        raise LookupError("migrate did not run yet")
    return read(row)


def _recall(file: Path) -> Deployment | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        # A newer release may have written more fields.
        told = {field.name: known[field.name] for field in fields(Deployment) if field.name in known}
        return Deployment(**{**told, "phase": Phase(known["phase"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _file(settings: Settings) -> Path:
    return settings.worker_dir / "deployment.json"
