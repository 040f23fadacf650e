"""A call as a person: the token goes along, and the answer becomes a model."""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from microblog_streams.client.errors import BadAnswer
from microblog_streams.client.messages import Answer, Request
from microblog_streams.client.retrying import Retrying

T = TypeVar("T")


@dataclass(frozen=True)
class Caller:
    """Makes calls as somebody, or as nobody in particular."""

    retrying: Retrying
    user: int | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def me(self) -> int:
        """The id of whom the calls are made as. Raises ValueError where that is nobody."""
        if self.user is None:
            raise ValueError("this call is made as somebody: use client.acting_as(identity), or Client(..., user=...)")
        return self.user

    async def call(self, request: Request) -> Answer:
        """Return the answer. Raises ClientError."""
        if self.token:
            request = replace(request, headers={**request.headers, "Authorization": f"Bearer {self.token}"})
        return await self.retrying.call(request)

    async def read(self, request: Request, model: Any) -> Any:  # noqa: ANN401 - mypy knows no type of models
        """Return the answer as a ``model``: a class, or ``tuple[Class, ...]``. Raises ClientError."""
        return parse(await self.call(request), model)


def parse(answer: Answer, model: Any) -> Any:  # noqa: ANN401
    """Return an answer as a ``model``. Raises BadAnswer."""
    try:
        return _adapter(model).validate_json(answer.body)
    except ValidationError as exc:
        raise BadAnswer(f"the answer is not what this API gives ({exc.error_count()} fields are wrong)") from None


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    """Return what reads a model: made once, because making it takes longer than reading with it."""
    return TypeAdapter(model)
