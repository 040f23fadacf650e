"""HTML from templates, with the headers of every page.

Templates escape every value. The policy lets the page load nothing but this server's files and forbids inline scripts
and styles, frames, and assignments of text where a browser parses HTML or code (Trusted Types). A page says nothing
about the reader: it is the same for all, and what is private is fetched by the script.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp.web import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from web.api.view import View
from web.http.responses import CachedFile
from web.pages import static_files

HTML: Final = "text/html"
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}

#: What the script may use where the server has it, by the path of its route.
_FEATURES: Final = {
    "avatars": "/users/{user}/avatar.svg",
    "live": "/timelines/{user}/live",
    "public": "/timelines/public",
}

_templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["static"] = static_files.url


def add_filter(name: str, function: Callable[..., object]) -> None:
    """Give all templates a filter."""
    _templates.filters[name] = function


class Page(View):
    """A view that answers with HTML."""

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        """Return a template's page; a 304 if the browser has it. ``values`` are the template's own."""
        body = _templates.get_template(template).render(
            scripts=static_files.scripts(), features=self._features, **values
        )
        headers = HEADERS if self.microblog.settings.robots == "all" else HEADERS | {"X-Robots-Tag": "noindex"}
        if status != HTTPStatus.OK:
            return Response(text=body, status=status, content_type=HTML, headers=headers)
        response = CachedFile.of(HTML, body.encode()).response(request, headers)
        if response.status == HTTPStatus.OK:
            response.charset = "utf-8"
        return response

    @property
    def _features(self) -> Mapping[str, bool]:
        """Which of the features this server has."""
        found = {name: path in self.web.views for name, path in _FEATURES.items()}
        return found | {"search": self.microblog.settings.has_search}
