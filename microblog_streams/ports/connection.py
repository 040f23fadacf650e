"""A connection to a store's server: what the worker opens, asks for an answer, and closes."""

from typing import Protocol


class Connection(Protocol):
    """A connection to one store's server, shared by the stores that live there."""

    name: str

    async def connect(self) -> None:
        """Connect once. StoreUnavailable: try again later. SetupError: it never will (wrong password, too old)."""
        ...

    async def ping(self) -> None:
        """Ask the server for an answer, within the store's time-out."""
        ...

    async def close(self) -> None:
        """Give everything back; calls after this raise StoreUnavailable."""
        ...
