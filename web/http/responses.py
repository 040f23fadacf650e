"""Writing answers as JSON: one thing, a list with its ``Link`` header, or nothing."""

from collections.abc import Iterable, Mapping, Sequence

from aiohttp.web import Response
from pydantic_core import to_json

from web.api.schemas import Answer


def one(answer: Answer, status: int = 200, location: str | None = None) -> Response:
    """Answer one thing; ``location`` is the path of what was made."""
    headers = {"Location": location} if location else {}
    return json(answer.model_dump_json(by_alias=True).encode(), status, headers)


def secret(answer: Answer, location: str) -> Response:
    """Answer what was made and must stay between the two of us: nothing on the way may keep it."""
    response = one(answer, 201, location)
    response.headers["Cache-Control"] = "no-store"
    return response


def several(answers: Sequence[Answer]) -> Response:
    """Answer a list that has no pages."""
    return json(b"[" + b",".join(answer.model_dump_json(by_alias=True).encode() for answer in answers) + b"]")


def plain(value: Mapping[str, object]) -> Response:
    """Answer a mapping as it is."""
    return json(to_json(value))


def nothing() -> Response:
    """Answer that it is done, and that there is nothing to say of it."""
    return Response(status=204)


def methods(offered: Iterable[str]) -> Response:
    """Answer which methods a path has."""
    return Response(status=204, headers={"Allow": ",".join(sorted(offered))})


def json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer what is JSON already."""
    return Response(body=body, status=status, headers=headers, content_type="application/json")
