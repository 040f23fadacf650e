"""A stranger's client: made by a generator that knows /openapi.json and nothing else of us."""

import asyncio
import importlib
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = "strangers_client"


async def generate(document: bytes, folder: Path) -> None:
    """Write the package NAME into the folder. Raises AssertionError where the generator warns of anything."""
    (folder / "openapi.json").write_bytes(document)
    (folder / "config.yml").write_text("post_hooks: []\n")  # no formatting: it is generated and not read
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
        *("--path", "openapi.json", "--config", "config.yml", "--output-path", NAME),
        cwd=folder,
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


class Stranger:
    """Makes calls by the names that the description gives them; to be used as a context, which closes connections."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        options = {"base_url": base_url, "raise_on_unexpected_status": True}
        module = _module("client")
        self.client = module.AuthenticatedClient(token=token, **options) if token else module.Client(**options)

    async def __aenter__(self) -> "Stranger":
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.client.__aexit__(*exc)

    async def call(self, where: str, *path: object, **arguments: Any) -> Any:
        """Make the call of a module, such as ``users.register``; return what the answer was read as."""
        response = await _module(f"api.{where}").asyncio_detailed(*path, client=self.client, **arguments)
        return response.parsed


def model(name: str) -> Any:
    """Return a class of the generated models."""
    return getattr(_module("models"), name)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{NAME}.{name}")
