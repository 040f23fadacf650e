"""Paths of the API from what a caller gives, which may be anything: quoted, so that it stays one part of the path."""

from urllib.parse import quote, urlencode


def path(*parts: object, **query: object) -> str:
    """Return ``/part/part?name=value``; an empty last part makes a slash at the end."""
    target = "/" + "/".join(quote(str(part), safe="", errors="replace") for part in parts)
    return f"{target}?{urlencode(query, errors='replace')}" if query else target
