"""The page's scripts in Node: the system's, or the one that Playwright brings."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from web.pages.static_files import files

#: What the scripts look for when they are imported.
BROWSER = """
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
globalThis.location = { pathname: "/", search: "" };
globalThis.history = {};
globalThis.addEventListener = () => {};
Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
"""

#: For scripts that draw: ``import "./document.js"``.
DOCUMENT = Path(__file__).with_name("document.js")

RunScript = Callable[..., Any]


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        playwright = pytest.importorskip("playwright", reason="neither Node nor Playwright is installed")
        found = str(Path(playwright.__file__).parent / "driver" / "node")
    return found


@pytest.fixture
def run_script(node: str, tmp_path: Path) -> RunScript:
    """Run a script beside the page's own, and return what it prints as JSON; ``exports`` are names of modules' own."""

    def run(script: str, **exports: str) -> Any:
        for name, file in files().items():
            more = exports.get(name.removesuffix(".js"))
            (tmp_path / name).write_bytes(file.body + (f"\nexport {{ {more} }};\n".encode() if more else b""))
        (tmp_path / "package.json").write_text('{"type": "module"}')
        (tmp_path / "browser.js").write_text(BROWSER)
        shutil.copy(DOCUMENT, tmp_path)
        (tmp_path / "run.js").write_text(f'import "./browser.js";\n{script}')
        done = subprocess.run([node, "run.js"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
