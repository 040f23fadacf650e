"""The document, as it is served: made once at the start of a worker, so that what cannot be described stops it."""

import json
from collections.abc import Iterable

from aiohttp.web import Request, Response

from web.api.view import View
from web.http.static_file import ASKED, File
from web.openapi.document import document


class OpenApi(View):
    """The API, described for programs."""

    def describe(self, routes: Iterable[tuple[str, type[View]]], required: bool) -> None:
        """Make the document of these routes; ``required``: whether calls need their token. Raises SetupError."""
        made = json.dumps(document(routes, required), ensure_ascii=False, separators=(",", ":"))
        self.file = File.of("application/json", made.encode())

    async def get(self, request: Request) -> Response:
        """Return the document."""
        return self.file.answer(request, ASKED)
