"""The base class of all views, and the decorator that describes a view's method as an endpoint of the API.

An ``Endpoint`` holds what /openapi.json cannot read from the code: paths come from ``routes``, texts from docstrings,
errors from ``problems``. It is also executed: the body is validated by the model named there, and the access checked,
so description and behaviour cannot differ.

``web`` is the name of this package and of Faust's, so Faust's view is imported by name and never as ``web``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import wraps
from typing import Any, Final, TypeVar, cast

from aiohttp.web import Request, StreamResponse
from faust.web import View as FaustView
from faust.web.drivers.aiohttp import Web as AiohttpWeb

from microblog_streams.operations import Operations
from web.application import MICROBLOG, Application
from web.http import responses
from web.http.authorization import acting_user, require_caller
from web.http.body import RequestModel, read_body
from web.http.problems import problem_response

MethodT = TypeVar("MethodT", bound=Callable[..., Awaitable[Any]])

_ATTRIBUTE: Final = "__microblog_endpoint__"


class Access(Enum):
    """Who may call an endpoint."""

    #: Anyone, and tokens are ignored.
    ANONYMOUS = "anonymous"
    #: Anyone, but an invalid token is refused.
    PUBLIC = "public"
    #: Any user, with a token.
    AUTHENTICATED = "authenticated"
    #: The user for whom the call acts, or whose data it returns.
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path."""

    #: The name in generated clients; never changes.
    operation_id: str
    #: A model of ``schemas``, a list or a union of them, or None for a response without body.
    response: Any
    #: The response in open mode (``MICROBLOG_AUTH=open``), if it differs.
    open_response: Any = None
    #: The type of the response's body.
    media_type: str = "application/json"
    #: The status of the response.
    status: int = 200
    #: The model of the request's body.
    body: type[RequestModel] | None = None
    #: The errors of this endpoint alone; those that follow from the other fields are added.
    raises: tuple[type[Exception], ...] = ()
    access: Access = Access.PUBLIC
    #: Minimum length of the Idempotency-Key; 0: the endpoint has none.
    min_key_length: int = 0
    paged: bool = False
    #: Names of query parameters other than those of paging.
    query: tuple[str, ...] = ()
    #: Whether the response has an ETag, and can be a 304.
    has_etag: bool = False
    #: Further headers of the response.
    headers: tuple[str, ...] = ()
    #: Path parameters that mean something else here: the name in the path, and the name in ``openapi.operations``.
    path_parameters: Mapping[str, str] = field(default_factory=dict)


def endpoint(
    operation_id: str,
    response: Any,  # noqa: ANN401 - a type, as typing has them
    **fields: Any,  # noqa: ANN401 - those of Endpoint
) -> Callable[[MethodT], MethodT]:
    """Describe a view's method; ``fields`` are those of ``Endpoint``."""

    def describe(method: MethodT) -> MethodT:
        setattr(method, _ATTRIBUTE, Endpoint(operation_id, response, **fields))
        return method

    return describe


def endpoint_of(method: Callable[..., Any]) -> Endpoint | None:
    """Return the description of a view's method, None without one."""
    found: Endpoint | None = getattr(method, _ATTRIBUTE, None)
    return found


#: What checks the access before the method runs.
_ACCESS_CHECKS: Final[Mapping[Access, Callable[[Request], object] | None]] = {
    Access.ANONYMOUS: None,
    Access.PUBLIC: None,
    Access.AUTHENTICATED: require_caller,
    Access.OWNER: acting_user,
}


class View(FaustView):
    """A view: methods named as in HTTP, which take the request and the path's parameters as text.

    A method whose endpoint has a body gets it validated, as the argument ``body``. Access is checked before the body is
    read.
    """

    def __post_init__(self) -> None:
        """Turn errors into responses inside Faust's sensors, which would count every 404 as a 500.

        Faust's views offer HEAD everywhere; here it is offered only with GET. OPTIONS is offered everywhere.
        """
        offered = super().get_methods()
        self.offered: set[str] = offered if "GET" in offered else offered - {"HEAD"}
        self.methods = {name: _with_checks(method) for name, method in self.methods.items()}

    def get_methods(self) -> set[str]:
        """Return the methods of the route; the router answers 405 to others."""
        return self.offered

    async def options(self, request: Request, **path: str) -> StreamResponse:
        """Return the allowed methods. Preflight requests of browsers are completed by the middleware ``cors``."""
        return responses.allowed_methods(self.offered)

    @property
    def microblog(self) -> Application:
        """The application."""
        return cast(AiohttpWeb, self.web).web_app[MICROBLOG]

    @property
    def operations(self) -> Operations:
        """The use cases."""
        return self.microblog.operations


def _with_checks(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[StreamResponse]]:
    described = endpoint_of(method)
    model = described.body if described else None
    check = _ACCESS_CHECKS[described.access] if described else None

    @wraps(method)
    async def checked(request: Request, **path: str) -> StreamResponse:
        try:
            if check:
                check(request)
            body = {"body": await read_body(request, model)} if model else {}
            return cast(StreamResponse, await method(request, **path, **body))
        except Exception as exc:
            return problem_response(exc, request)

    return checked
