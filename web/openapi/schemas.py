"""The shapes of bodies and answers, as pydantic tells them of the models that are used."""

from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import NullableSchema

from web.api.endpoint import Call
from web.api.schemas import Problem

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

_PLACE: Final = "#/components/schemas/{model}"


class Plain(GenerateJsonSchema):
    """Without the titles that only repeat a field's name, and with types like ``["string", "null"]``."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's own
        """Tell that no field needs one."""
        return False

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        """Return the type and null as one schema where it has a type of its own."""
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str):
            return inner | {"type": [inner["type"], "null"]}
        return super().nullable_schema(schema)


class Schemas:
    """The schemas of some calls: where each is used, and what stands in the components."""

    def __init__(self, calls: Iterable[Call]) -> None:
        """Make all of them at once, so that a model that is used twice is one."""
        wanted: dict[tuple[Any, Mode], None] = {(Problem, "serialization"): None}
        for call in calls:
            wanted |= {(call.answer, "serialization"): None} if call.answer is not None else {}
            wanted |= {(call.takes, "validation"): None} if call.takes is not None else {}
        inputs = [((used, mode), mode, TypeAdapter[Any](used)) for used, mode in wanted]
        made, definitions = TypeAdapter.json_schemas(inputs, ref_template=_PLACE, schema_generator=Plain)
        self._made: dict[Any, Json] = {key: schema for (key, _), schema in made.items()}
        self.components: Json = definitions["$defs"]

    def taken(self, model: type) -> Json:
        """Return the schema of a request's body."""
        return self._made[model, "validation"]

    def answered(self, model: Any) -> Json:  # noqa: ANN401 - a type, as typing has them
        """Return the schema of an answer's body."""
        return self._made[model, "serialization"]
