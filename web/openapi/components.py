"""The components of the document: schemas, headers and security schemes, which operations refer to."""

from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import NullableSchema

from web.api.schemas import Problem
from web.api.view import Endpoint

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

_SCHEMA_REF: Final = "#/components/schemas/{model}"

#: Every header of a response.
HEADERS: Final[Json] = {
    "X-Request-ID": {
        "description": "The request's id in logs and errors: the one that was sent, or a new one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:+/=@-]{1,128}$"},
    },
    "Location": {
        "description": "The path of what was created.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": 'The next page (RFC 8288): `rel="next"`, and on timelines also `rel="prev"`. '
        "Absent if there is none.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "Identifies the content, for `If-None-Match`.", "schema": {"type": "string"}},
    "Timeline-State": {
        "description": "`incomplete`: posts may be missing between those of the page. Request it again.",
        "schema": {"type": "string", "enum": ["incomplete"]},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "required": True,
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of the rate limit: `r` requests, and more in `t` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "The rate limit: `q` requests in `w` seconds, for each of its rates.",
        "schema": {"type": "string"},
    },
    "Allow": {"description": "The methods that the path allows.", "schema": {"type": "string"}},
}

_BEARER: Final = "bearerAuth"

SECURITY_SCHEMES: Final[Json] = {
    _BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "A token, as registering and logging in return it.",
    }
}
#: The security requirement of an operation that needs a token.
BEARER_REQUIRED: Final[list[Json]] = [{_BEARER: []}]


def headers(names: Iterable[str]) -> Json:
    """Return references to these headers, and to the one of every response. Raises KeyError for an unknown name."""
    found = [name for name in ("X-Request-ID", *names) if HEADERS[name]]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in found}


class PlainSchema(GenerateJsonSchema):
    """pydantic's schemas without titles that repeat a field's name, and with types like ``["string", "null"]``."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's own
        """Return False for every field."""
        return False

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        """Return one schema for a type and null, if the type has one name."""
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str):
            return inner | {"type": [inner["type"], "null"]}
        return super().nullable_schema(schema)


class Schemas:
    """The schemas of all endpoints: references to use in operations, and the components."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """Generate all of them at once, so that a model that is used twice becomes one component."""
        wanted: dict[tuple[Any, Mode], None] = {(Problem, "serialization"): None}
        for endpoint in endpoints:
            wanted |= {(endpoint.response, "serialization"): None} if endpoint.response is not None else {}
            wanted |= {(endpoint.body, "validation"): None} if endpoint.body is not None else {}
        inputs = [((used, mode), mode, TypeAdapter[Any](used)) for used, mode in wanted]
        schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=_SCHEMA_REF, schema_generator=PlainSchema)
        self._schemas: dict[Any, Json] = {key: schema for (key, _), schema in schemas.items()}
        self.components: Json = definitions["$defs"]

    def of_request(self, model: type) -> Json:
        """Return the schema of a request's body."""
        return self._schemas[model, "validation"]

    def of_response(self, model: Any) -> Json:  # noqa: ANN401 - a type, as typing has them
        """Return the schema of a response's body."""
        return self._schemas[model, "serialization"]
