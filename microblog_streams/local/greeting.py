"""What ``make run`` says when all is ready: where it is, and three lines to paste."""

from collections.abc import Sequence

_CURL = "curl -sw '\\n'"
_JSON = "-H 'Content-Type: application/json' -d"


def greeting(url: str, users: Sequence[int]) -> list[str]:
    """Return three curl lines that work in their order; ``users`` are ids of people who are there already.

    On a fresh system they register two people, who get the ids 1 and 2.
    """
    if not users:
        author, reader = 1, 2
        names = [f"""{url}/users/ {_JSON} '{{"username": "{name}"}}'""" for name in ("ada", "grace")]
        first = f"{_CURL} {names[0]} --next -sw '\\n' {names[1]}"
    else:
        author, reader = users[0], users[-1]
        first = f"{_CURL} {url}/users/{author} {url}/users/{reader}"
    post = f"""{url}/posts/ {_JSON} '{{"userId": {author}, "content": "Hello, world"}}'"""
    follow = (
        f"{_CURL} -X POST {url}/users/{reader}/follow/{author} --next -sw '\\n' " if author != reader else f"{_CURL} "
    )
    return [first, follow + post, f"sleep 1; {_CURL} {url}/timelines/{reader}"]
