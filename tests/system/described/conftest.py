"""The HTTP front on stores in memory, for a program beside it that calls everything."""

from tests.component.web.conftest import make_front, web_apps

__all__ = ["make_front", "web_apps"]
