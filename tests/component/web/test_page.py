"""What a browser gets at /, at the files of the page, and at profiles and posts as HTML."""

import re
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from web.pages import static_files

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
#: As published: the file ``preact/standalone.module.js`` of htm 3.1.1 on the npm registry.
PREACT_HTM = "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7"
STATIC = Path(static_files.__file__).with_name("static")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'--></title>&amp;{{7*7}}\u2028"


@pytest.fixture
async def written(front):
    """A post of ann with everything that could break out of a page."""
    return await front.app.operations.posts.create(1, EVIL.replace("\u2028", ""))


async def test_a_browser_gets_the_page_and_a_program_the_way_to_the_api(client):
    page = await client.get("/", headers=BROWSER)
    program = await client.get("/")

    assert (page.status, page.content_type, page.headers["Cache-Control"]) == (200, "text/html", "no-cache")
    assert (await program.json())["openapi"] == "/openapi.json"
    assert "Accept" in ",".join(page.headers.getall("Vary"))


async def test_the_page_is_not_sent_again_to_who_has_it(client):
    first = await client.get("/", headers=BROWSER)
    again = await client.get("/", headers=BROWSER | {"If-None-Match": first.headers["ETag"]})

    assert (again.status, await again.read()) == (304, b"")


async def test_all_files_that_the_page_names_are_there_and_kept_for_good(client):
    text = await (await client.get("/", headers=BROWSER)).text()
    named = re.findall(r'(?:src|href)="(/static/[^"]*)"', text)

    assert len(named) > 10
    for path in named:
        answer = await client.get(path)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")


def test_scripts_import_only_files_beside_them():
    for path in STATIC.glob("*.js"):
        for name in re.findall(r"""(?:import|from)\s*\(?["']([^"']+)["']""", path.read_text()):
            assert (STATIC / name).resolve().parent == STATIC.resolve()
            assert (STATIC / name).is_file()


def test_no_script_makes_html_of_text():
    ours = [path for path in STATIC.glob("*.js") if path.name != "preact-htm.js"]
    assert len(ours) > 5
    for path in ours:
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|dangerouslySet|eval\(", path.read_text())


def test_the_library_is_the_published_one_with_its_licences():
    assert sha256((STATIC / "preact-htm.js").read_bytes()).hexdigest() == PREACT_HTM
    assert "Apache License" in (STATIC / "preact-htm.LICENSE-htm.txt").read_text()
    assert "MIT License" in (STATIC / "preact-htm.LICENSE-preact.txt").read_text()


async def test_the_page_may_do_little_and_is_in_no_frame(client):
    for path in ("/", "/@ann", "/@nobody"):
        headers = (await client.get(path, headers=BROWSER)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert "http:" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"


class Active(HTMLParser):
    """Collects what could run in a page: scripts and styles without a file, handlers, and addresses with a program."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if (tag == "script" and "src" not in named) or tag in ("style", "iframe", "object", "embed"):
            self.found.append(tag)
        addresses = [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self.found += [name for name in named if name.startswith("on") or name == "style"]
        self.found += [address for address in addresses if address.strip().lower().startswith(("javascript:", "data:"))]


async def test_nothing_stands_in_the_page_itself_that_could_run(client, written):
    for path in ("/", "/@ann", f"/@ann/{written.id}"):
        page = Active()
        page.feed(await (await client.get(path, headers=BROWSER)).text())
        assert page.found == []


@pytest.mark.parametrize(
    "name",
    [
        "..%2fhtml.py",
        "%2e%2e/html.py",
        "..%5chtml.py",
        "html.py",
        "%2fetc%2fpasswd",
        "app.js%00",
        "APP.JS",
        "templates",
    ],
)
async def test_only_the_files_of_the_table_are_served(client, problem, name):
    await problem(await client.get(f"/static/{static_files.current_version()}/{name}"), 404, "unknown-path")


async def test_a_file_of_another_version_is_not_kept(client):
    answer = await client.get("/static/0123456789abcdef/app.js")

    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")


async def test_a_persons_page_shows_their_posts_without_scripts(client, front):
    post = await front.app.operations.posts.create(1, "Good morning")

    answer = await client.get("/@ANN", headers=BROWSER)
    text = await answer.text()

    assert (answer.status, answer.content_type, answer.charset) == (200, "text/html", "utf-8")
    assert "<title>@ann · microblog</title>" in text
    assert "Good morning" in text
    assert f'href="/@ann/{post.id}"' in text
    assert 'property="og:title"' in text


async def test_texts_stay_texts(client, written):
    for path in ("/@ann", f"/@ann/{written.id}"):
        text = await (await client.get(path, headers=BROWSER)).text()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert EVIL[:20] in unescape(text)
        assert "49" not in re.sub(r"[\w-]*/static/[\w./-]*|[0-9a-f-]{36}|\d{4}-\d\d[^<\"]*", "", text)


@pytest.mark.parametrize(
    "path", ["/@nobody", "/@ann/nothing", "/@ann/{post}", "/@bob/{written}", "/@%00", "/@" + "x" * 300]
)
async def test_what_is_not_there_is_a_page_that_says_so(client, written, path):
    path = path.format(post="01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e", written=written.id)
    answer = await client.get(path, headers=BROWSER)

    assert (answer.status, answer.content_type) == (404, "text/html")
    assert "Not found" in await answer.text()


async def test_a_deleted_post_is_gone_from_the_pages(client, front, written):
    await front.app.operations.posts.delete(written.id)

    assert (await client.get(f"/@ann/{written.id}", headers=BROWSER)).status == 404
    assert EVIL[:20] not in unescape(await (await client.get("/@ann", headers=BROWSER)).text())


async def test_search_engines_stay_out_unless_they_are_let_in(client, make_front):
    other = (await make_front(robots="all", public_url="https://microblog.example/")).client

    assert (await client.get("/@ann")).headers["X-Robots-Tag"] == "noindex"
    assert "Disallow: /\n" in await (await client.get("/robots.txt")).text()
    let_in = await other.get("/@ann")
    assert "X-Robots-Tag" not in let_in.headers
    assert '<meta property="og:url" content="https://microblog.example/@ann">' in await let_in.text()
    assert "Allow: /@" in await (await other.get("/robots.txt")).text()


async def test_pages_that_read_stores_are_limited(make_front):
    client = (await make_front(limit_reading="2/month")).client

    assert [(await client.get("/@ann")).status for _ in range(3)] == [200, 200, 429]
    assert (await client.get("/", headers=BROWSER)).status == 200


async def test_a_cookie_makes_no_difference_to_a_page(client):
    plain = await client.get("/@ann")
    with_cookie = await client.get("/@ann", headers={"Cookie": "microblog_session=x"})

    assert (with_cookie.status, await with_cookie.read()) == (plain.status, await plain.read())
