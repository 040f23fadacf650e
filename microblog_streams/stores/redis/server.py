"""One Redis server that answers: the only one there is, or one of a Redis Cluster's.

What a call needs to know of a server (its clock, whether it has our functions) differs from server to server, so a
question is put to one by name, and put anew where it is sent on to another.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

#: A command's name and arguments, as redis-py takes them.
Command: TypeAlias = Sequence[Any]
Answer = TypeVar("Answer")


#: The name of the server where there is but one.
ONLY: Final = ""


class Server(NamedTuple):
    """A server's name, and how it is sent a command; its answers are as redis-py's clients give them."""

    name: str
    execute: Callable[..., Awaitable[Any]]
    #: Send commands in one write; errors are returned in their places.
    together: Callable[[Sequence[Command]], Awaitable[list[Any]]]


#: Commands to one server, of which the later ones may depend on what the earlier ones answered.
Question: TypeAlias = Callable[[Server], Awaitable[Answer]]
