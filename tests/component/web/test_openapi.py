"""/openapi.json as it is served: without a token, cached and compressed."""

import pytest

from web import routes


async def test_it_describes_every_path(client):
    response = await client.get("/openapi.json")

    assert (response.status, response.content_type) == (200, "application/json")
    assert list((await response.json())["paths"]) == [path for path, _ in routes.API + routes.OPERATION]


async def test_it_asks_for_no_token_on_an_open_server(client):
    timeline = (await (await client.get("/openapi.json")).json())["paths"]["/timelines/{user}"]["get"]

    assert "security" not in timeline


@pytest.mark.parametrize("given", ["{tag}", '"other", {tag}', "*"])
async def test_a_client_with_the_tag_gets_a_304(client, given):
    tag = (await client.get("/openapi.json")).headers["ETag"]
    again = await client.get("/openapi.json", headers={"If-None-Match": given.format(tag=tag)})

    assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)


async def test_a_client_with_another_tag_gets_the_document(client):
    response = await client.get("/openapi.json", headers={"If-None-Match": 'W/"other"'})

    assert response.status == 200


async def test_it_is_asked_for_each_time_and_packed_for_who_takes_it(client):
    plain = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 5
    assert await packed.read() == await plain.read()
    assert {plain.headers["Cache-Control"], packed.headers["Cache-Control"]} == {"no-cache"}
    assert plain.headers["ETag"] == packed.headers["ETag"]
