"""The session of a browser: an access token in a cookie, and proof that this server's own page sent a request.

The page cannot keep a token where scripts read it, and ``EventSource`` and images cannot send ``Authorization``. So the
token of a session is in a cookie that scripts cannot read. It is a token like all others: listed, revoked and expired
with them.

A browser sends a cookie whichever page asked for the request. So a request that changes something and is authenticated
by the cookie must come from this server's own page: browsers say so in ``Sec-Fetch-Site`` and ``Origin``, which no page
can change (Fetch Standard; OWASP's cheat sheet on cross-site request forgery, "Fetch Metadata"). ``SameSite=Strict``
says the same a second time. Over TLS the name begins with ``__Host-``: another host of the domain cannot set such a
cookie, nor can a page that was sent without TLS (RFC 6265bis, section 4.1.3.2).
"""

from datetime import timedelta
from typing import Final

from aiohttp.web import Request, RequestKey, StreamResponse
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from web.http.problems import CrossSite
from web.middlewares.client_address import ClientAddresses

#: The cookie's name, and the prefix that it has over TLS.
COOKIE: Final = "microblog_session"
TLS_PREFIX: Final = "__Host-"
#: The methods that change nothing.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Sessions:
    """Reads and writes the cookie, and knows this server's own pages."""

    def __init__(self, settings: Settings) -> None:
        """``settings.public_url`` is the address at which browsers reach the server; by default what they ask for."""
        self._public_url = settings.public_url
        self._addresses = ClientAddresses(settings)

    def secret(self, request: Request) -> str | None:
        """Return the token in the cookie, None without one."""
        return request.cookies.get(self._name(request)) if "Cookie" in request.headers else None

    def begin(self, request: Request, response: StreamResponse, secret: SecretStr, life: timedelta) -> None:
        """Have the browser keep a token for ``life``."""
        self._set(request, response, secret.get_secret_value(), int(life.total_seconds()))
        response.headers["Cache-Control"] = "no-store"

    def end(self, request: Request, response: StreamResponse) -> None:
        """Have the browser forget the cookie, if it sent one."""
        if self.secret(request) is not None:
            self._set(request, response, "", 0)

    def require_own_page(self, request: Request) -> None:
        """Check that a page of this server sent the request. Raises CrossSite.

        ``Sec-Fetch-Site`` decides where it is sent, else ``Origin``; without either it is refused.
        """
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        if site not in (None, "same-origin") or (site is None and origin is None):
            raise CrossSite("This call is only for the pages of this server; programs send a token.")
        if origin is not None and origin != (own := self.own_origin(request)):
            raise CrossSite(
                f"This server is {own}, and the page's origin is another: MICROBLOG_PUBLIC_URL must name it."
            )

    def own_origin(self, request: Request) -> str:
        """Return the scheme and host at which the browser reached this server."""
        return self._public_url or f"{self._addresses.scheme(request)}://{request.host}"

    def _name(self, request: Request) -> str:
        return TLS_PREFIX + COOKIE if self._over_tls(request) else COOKIE

    def _set(self, request: Request, response: StreamResponse, value: str, seconds: int) -> None:
        secure = self._over_tls(request)
        response.set_cookie(
            self._name(request), value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="Strict"
        )

    def _over_tls(self, request: Request) -> bool:
        return self.own_origin(request).startswith("https://")


#: The sessions of the server, on every request of the API.
SESSIONS: Final = RequestKey("sessions", Sessions)
