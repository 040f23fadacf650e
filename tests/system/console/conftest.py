"""The worker's HTTP front on in-memory stores: what is real here is the command's process and its console."""

from tests.component.web.client.conftest import home, lonely, microblog, url
from tests.component.web.conftest import cheap_passwords, front, make_front, web_apps

__all__ = ["cheap_passwords", "front", "home", "lonely", "make_front", "microblog", "url", "web_apps"]
