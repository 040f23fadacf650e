"""Origins: the pages whose scripts may call the API from a browser, as settings name them."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

#: Stands for every origin.
ANY: Final = "*"

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)


def _split(value: object) -> object:
    """Read what an environment variable holds; anything else is for pydantic to judge."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())


def _check(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what no browser sends: it would silently allow nothing."""
    for origin in origins:
        if origin != ANY and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin: expected scheme://host or scheme://host:port, or {ANY}")
    return origins


#: A field of settings: origins with commas between them.
Origins: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_check)]
