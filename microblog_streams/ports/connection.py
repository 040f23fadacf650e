"""The connection to a store's server, which its stores share."""

from typing import Protocol


class Connection(Protocol):
    """A connection, or a pool of them, to one store."""

    name: str

    async def connect(self) -> None:
        """Connect. Raises StoreUnavailable if a later attempt may succeed, SetupError if none can (wrong password)."""
        ...

    async def ping(self) -> None:
        """Make a round trip to the server, within the store's time-out."""
        ...

    async def close(self) -> None:
        """Release everything; later calls raise StoreUnavailable."""
        ...
