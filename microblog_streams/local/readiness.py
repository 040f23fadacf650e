"""When a worker is ready for people: it serves REST, and its tables are recovered."""

import http.client
import json
from dataclasses import dataclass

#: Seconds that one question may take.
TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: its status and its JSON, an empty mapping where it is none."""

    status: int
    body: object


def get(host: str, port: int, path: str) -> Page | None:
    """Ask a worker; None where it does not answer."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Page(response.status, _json(response.read()))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def awaited(host: str, port: int) -> str | None:
    """Return what a worker still waits for, in a few words; None once it is ready."""
    ready = get(host, port, "/ready")
    if ready is None:
        return "its web server"
    if ready.status != http.HTTPStatus.OK:
        return str(ready.body.get("detail") or "its start") if isinstance(ready.body, dict) else "its start"
    health = get(host, port, "/health")
    return None if health and _tables_recovered(health.body) else "its tables"


def _tables_recovered(health: object) -> bool:
    tables = health.get("tables") if isinstance(health, dict) else None
    # None is said by a worker that only serves REST: it has no tables.
    return isinstance(tables, dict) and tables.get("recovered", False) in (True, None)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return {}
