"""The HTTP front on stores in memory, for a program beside it that calls everything."""

from tests.functional.web.conftest import make_front

__all__ = ["make_front"]
