"""Registers users on a server that requires tokens, and logs them in."""

from typing import Any

from aiohttp.test_utils import TestClient

PASSWORD = "correct horse"


def bearer(token: str) -> dict[str, str]:
    """Return the headers that show a token."""
    return {"Authorization": f"Bearer {token}"}


async def register(client: TestClient[Any, Any], name: str, password: str | None = None) -> dict[str, str]:
    """Register a user; return the headers that show their token. The first one's id is 1, and so on."""
    response = await client.post("/users/", json={"username": name, "password": password})
    return bearer((await response.json())["token"])


async def log_in(client: TestClient[Any, Any], name: str, password: str = PASSWORD) -> dict[str, str]:
    """Get another token; return the headers that show it."""
    response = await client.post("/tokens/", json={"username": name, "password": password})
    return bearer((await response.json())["token"])
