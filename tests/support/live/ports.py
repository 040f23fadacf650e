"""Ports for servers of tests, given to one process of tests only, also where several runs share a machine.

A port that is free when it is chosen may be taken before its server listens, seconds later: by another process that has
chosen it too, or by an outgoing connection. So ours are below the range of outgoing connections, and a UDP socket on
the same port marks one as given, until ``MARKS`` others were given.
"""

import os
import random
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from microblog_streams.local import ports
from microblog_streams.local.ports import HOST, choose, is_free

#: Below the ports of the local stack's servers.
RANGE = range(10_000, 20_000)
#: Marks that are kept: far more servers than start at the same time.
MARKS = 100

_marks: OrderedDict[int, int] = OrderedDict()


def free_port() -> int:
    """Return a port on which no process listens, and which no other process is given for now."""
    return next(port for port in random.sample(RANGE, len(RANGE)) if port not in _marks and is_ours(port))


def is_ours(port: int) -> bool:
    """Return whether no process listens on this port, nor was given it by other tests; mark it as given."""
    return is_free(port) and (port in _marks or _mark(port))


def _mark(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mark:
        try:
            mark.bind((HOST, port))
        except OSError:
            return False
        _marks[port] = mark.detach()
    if len(_marks) > MARKS:
        os.close(_marks.popitem(last=False)[1])
    return True


def choose_for_stacks() -> None:
    """Have the stacks that this process starts choose theirs likewise."""
    ports.choose = _choose


def _choose(
    names: Sequence[str], wanted: Mapping[str, int], kept: Mapping[str, int], free: Callable[[int], bool] = is_ours
) -> dict[str, int]:
    return choose(names, wanted, kept, free)
