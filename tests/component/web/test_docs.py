"""/docs loads nothing from other hosts, and serves only the files of its table."""

import re

import pytest
from swagger_ui_bundle import swagger_ui_path

FILES = {
    "docs.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "index.css": "text/css",
    "favicon-32x32.png": "image/png",
}


async def test_the_page_names_only_files_that_are_served(client):
    page = await client.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]*)"', await page.text())

    assert (page.status, page.content_type) == (200, "text/html")
    assert sorted(named) == sorted([*(f"/docs/{name}" for name in FILES), "/openapi.json"])


async def test_nothing_runs_that_stands_in_the_page_itself(client):
    page = await client.get("/docs")
    [rules] = page.headers.getall("Content-Security-Policy")

    assert "default-src 'self'" in rules
    assert "unsafe" not in rules
    assert re.findall(r"<script(?! src=)|<style| on\w+=|style=", await page.text()) == []


@pytest.mark.parametrize("path", ["/docs", *(f"/docs/{name}" for name in FILES)])
async def test_a_browser_is_told_to_take_everything_as_what_it_is(client, path):
    response = await client.get(path)

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("name", "content_type"), FILES.items())
async def test_a_file_is_kept_for_a_day_and_then_asked_for(client, name, content_type):
    response = await client.get(f"/docs/{name}")
    again = await client.get(f"/docs/{name}", headers={"If-None-Match": response.headers["ETag"]})

    assert (response.status, response.content_type) == (200, content_type)
    assert response.headers["Cache-Control"] == "max-age=86400"
    assert (again.status, await again.read()) == (304, b"")


async def test_the_page_is_asked_for_each_time(client):
    assert (await client.get("/docs")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/docs/swagger-ui.js",
        "/docs/index.html",
        "/docs/..%2fdocs.py",
        "/docs/..%2f..%2f..%2fetc%2fpasswd",
        "/docs/%2e%2e/routes.py",
        f"/docs/{str(swagger_ui_path).replace('/', '%2f')}%2findex.css",
        "/docs/docs.js%00.css",
        "/docs/DOCS.JS",
        "/docs/swagger-ui.css/more",
    ],
)
async def test_no_other_file_is_served(raw, path):
    answer = await raw(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"type":"/problems/unknown-path"' in answer


async def test_the_page_shows_the_description_without_an_external_validator(client):
    script = await (await client.get("/docs/docs.js")).text()

    assert 'url: "/openapi.json"' in script
    assert "validatorUrl: null" in script
    assert "http" not in script
