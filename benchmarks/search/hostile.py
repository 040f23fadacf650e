"""Hostile searches over REST, one caller and one after the other: each answer's status, and how long it took.

The posts are in the index alone, so each result is left out as a deleted one is, and a page reads on in the index until
its time is up: the most that one request can cost.
"""

from collections import Counter
from collections.abc import Mapping
from time import perf_counter
from typing import Final

import aiohttp
from yarl import URL

from benchmarks.bars import counter
from benchmarks.figures import percentile
from benchmarks.report import Figures
from benchmarks.search.setting import Setting
from benchmarks.search.texts import Writer

#: Calls of each.
CALLS, QUICK_CALLS = 10, 2
_KIB: Final = 1_024
#: A cursor that no endpoint has made.
_CURSOR: Final = "AAAA"


async def measure(at: Setting) -> Figures:
    """Return, for each, how often a status was answered, and the seconds: median and longest."""
    await at.worker.join()
    asked = _queries(Writer(seed=5))
    found = {}
    with counter(at.on.stage.console, "hostile searches over REST", len(asked)) as one:
        for name, path in asked.items():
            found[name] = await _ask(at, URL(f"{at.worker.url}{path}", encoded=True))
            one()
    return found


async def _ask(at: Setting, url: URL) -> Figures:
    statuses, times = Counter[str](), []
    for _ in range(at.size(CALLS, QUICK_CALLS)):
        begun = perf_counter()
        statuses[await _status(at.client.session, url)] += 1
        times.append(perf_counter() - begun)
    return {"statuses": dict(statuses), "median": percentile(times, 50), "longest": max(times)}


async def _status(session: aiohttp.ClientSession, url: URL) -> str:
    async with session.get(url) as response:
        await response.read()
        return str(response.status)


def _queries(writer: Writer) -> Mapping[str, str]:
    """Return paths by what is hostile about them."""
    words = writer.words
    common, many = words[0], " ".join(words[:48])[:250]
    posts = {
        "a word of every post, all of whose results must be left out": common,
        "as many of the commonest words as there may be": many,
        "the same, as one phrase": f'"{many}"',
        "the same, each excluded": " ".join(f"-{word}" for word in many.split())[:250],
        "twenty prefixes of one letter": " ".join("あいうえおかきくけこさしすせそたちつてと"),
        "a wildcard at the front": f"*{common}",
        "a regular expression": f"/{common}.*{common}.*/",
        "a query of the engine's syntax": '{"query":{"match_all":{}}}',
        "a script": "_exists_:terms OR script:(doc['author'].value>0)",
        "a hundred brackets": "(" * 100 + common + ")" * 100,
        "a hundred quotes": '"' * 100,
        "a quote without an end": f'"{common}',
        "10,000 terms": " ".join(words[:10_000]),
        "a word of 64 KiB": "a" * (64 * _KIB),
        "a phrase of 64 KiB": f'"{common} ' * (32 * _KIB // (len(common) + 1)) + '"',
        "marks of writing from right to left": f"\u202e{common}\u202c",
    }
    asked = {name: f"/search/posts?{_encoded(q=text)}" for name, text in posts.items()}
    return asked | {
        "a lone surrogate": "/search/posts?q=%ED%A0%80",
        "best of many words": f"/search/posts?{_encoded(q=many, sort='best')}",
        "a cursor that is none": f"/search/posts?{_encoded(q=common, cursor=_CURSOR)}",
        "a page of a million": f"/search/posts?{_encoded(q=common, limit='1000000')}",
        "users, by one letter": f"/search/users?{_encoded(q='b')}",
        "users, by a name of 64 KiB": f"/search/users?{_encoded(q='b' * 64 * _KIB)}",
        "the trends": "/trends/tags",
    }


def _encoded(**parameters: str) -> str:
    return URL.build(query=parameters).raw_query_string
