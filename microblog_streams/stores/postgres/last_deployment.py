"""What a process takes the deployment for when it starts, before anything is connected: the app's name depends on it.

PostgreSQL says it. A worker that starts while PostgreSQL is away goes by what it knew last, in a file of its folder;
one that never knew takes the first generation. Either is looked at again once PostgreSQL is there (see
``services.generations``), and harmless until then: an old generation's topics take no posts any more.
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

#: Seconds for PostgreSQL to answer; what is asked is one row.
_LIMIT: Final = 2


def last_deployment(settings: Settings) -> Deployment:
    """Return the deployment as PostgreSQL says, else as this worker knew it last, else the first generation.

    Of the two eras it is the later one: PostgreSQL may have lost that too.
    Blocks for up to some seconds: to be called before there is an event loop.
    """
    known = _recall(_file(settings))
    try:
        asked = _ask(settings)
        return replace(asked, era=max(asked.era, known.era)) if known else asked
    except (psycopg2.Error, SetupError, LookupError) as exc:
        logger.info("deployment_not_asked reason=%s", first_line(exc))
    return known or Deployment(1, settings.partitions)


def remember(settings: Settings, deployment: Deployment) -> None:
    """Keep it for the next start. A folder that cannot be written is told of elsewhere."""
    file = _file(settings)
    with suppress(OSError):
        half = file.with_suffix(".new")
        half.write_text(json.dumps(asdict(deployment)), encoding="utf-8")
        half.replace(file)


def _ask(settings: Settings) -> Deployment:
    url = settings.postgres_url.get_secret_value()
    options = {"statement_timeout": _LIMIT * 1000, "lock_timeout": _LIMIT * 1000}
    where: dict[str, Any] = {**target(url, f"microblog {settings.worker_name}", options), "connect_timeout": _LIMIT}
    with closing(psycopg2.connect(**where)) as connection, connection.cursor() as cursor:
        cursor.execute(SELECT)
        row = cursor.fetchone()
    if row is None:
        raise LookupError("migrate did not run yet")
    return read(row)


def _recall(file: Path) -> Deployment | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        # A newer version may have written more than this one knows.
        told = {field.name: known[field.name] for field in fields(Deployment) if field.name in known}
        return Deployment(**{**told, "phase": Phase(known["phase"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _file(settings: Settings) -> Path:
    return settings.worker_dir / "deployment.json"
