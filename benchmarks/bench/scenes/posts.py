"""POST /posts/: accepted calls a second, beside a bare handler that produces a record and inserts a row."""

import json

from benchmarks.bench.rows import Row
from benchmarks.bench.served import bare_handlers, side_by_side
from benchmarks.bench.setting import Setting


async def measure(at: Setting) -> list[Row]:
    """Return posts a second by 50 authors without followers."""
    folder = at.on.stage.settings.data_dir
    people, page = folder / "people.json", folder / "page.json"
    people.write_text(json.dumps([await at.client.register() for _ in range(50)]), encoding="utf-8")
    page.write_text("[]", encoding="utf-8")
    async with bare_handlers(at, page) as bare:
        return await side_by_side(at, bare, "post", people, "POST /posts/", 0.6)
