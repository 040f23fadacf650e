"""The ``Link`` header (RFC 8288) of pages: where they go on."""

import re
from collections.abc import Mapping
from typing import Final

from microblog_streams.client.errors import BadAnswer

_LINK: Final = re.compile(r'<([^>]*)>((?:\s*;\s*\w+\*?\s*(?:=\s*(?:"[^"]*"|[^",;\s]*))?)*)')
_REL: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', re.IGNORECASE)


def links(header: str) -> Mapping[str, str]:
    """Return the target of each relation. Raises BadAnswer for one that is not a path of the same server.

    The token goes along to wherever a link leads: so it leads nowhere else.
    """
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(header):
        if relation := _REL.search(parameters):
            for name in (relation[1] or relation[2]).lower().split():
                found.setdefault(name, _own(target))
    return found


def _own(target: str) -> str:
    if not target.startswith("/") or target.startswith("//"):
        raise BadAnswer("a link of the answer leads to another server")
    return target
