"""``/metrics``: who may read it, and what it says of requests. Odd requests do not add to the number of its series."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metric_families
from prometheus_client.parser import text_string_to_metric_families

from microblog_streams.config.settings import Settings
from tests.support.fakes.web_app import ADMIN_TOKEN as TOKEN

WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
REQUESTS = "microblog_http_request_seconds_count"


async def samples(client, headers=WITH_TOKEN):
    """Return the samples of the page."""
    response = await client.get("/metrics", headers=headers)
    assert (response.status, response.content_type) == (200, "text/plain")
    return [sample for each in text_string_to_metric_families(await response.text()) for sample in each.samples]


async def requests(client):
    """Return the number of requests by route, method and status."""
    counts = [sample for sample in await samples(client) if sample.name == REQUESTS]
    return {(each.labels["route"], each.labels["method"], each.labels["status"]): each.value for each in counts}


async def test_the_page_has_the_worker_s_numbers_and_the_server_s(client):
    names = {sample.name for sample in await samples(client)}
    assert {"microblog_ready", "microblog_connections", "microblog_connections_cut_total"} <= names


async def test_a_request_is_counted_by_its_route_method_and_status(client):
    await client.get("/users/1")
    await client.get("/users/77")
    await client.head("/users/1")
    await client.post("/users/1/follow/2/")

    counted = await requests(client)

    assert counted["/users/{user}", "GET", "200"] == 1
    assert counted["/users/{user}", "GET", "404"] == 1
    assert counted["/users/{user}", "HEAD", "200"] == 1
    assert counted["/users/{follower}/follow/{followee}", "POST", "200"] == 1


async def test_both_spellings_of_a_path_are_one_route(client):
    await client.get("/users")
    await client.get("/users/")
    assert (await requests(client))["/users", "GET", "200"] == 2


async def test_a_failure_is_counted_with_the_status_that_was_answered(front):
    front.app.fail(RuntimeError("a defect"))
    await front.client.get("/users/1")
    assert (await requests(front.client))["/users/{user}", "GET", "500"] == 1


async def test_time_passes_in_a_request(client):
    await client.get("/users/1")
    [total] = [
        sample.value
        for sample in await samples(client)
        if sample.name == "microblog_http_request_seconds_sum" and sample.labels["route"] == "/users/{user}"
    ]
    assert total > 0


async def test_odd_requests_add_no_more_series_than_there_are_routes(client):
    """Hundreds of users and of unknown paths, methods that no view has."""
    for number in range(1, 201):
        await client.get(f"/users/{number}")
        await client.get(f"/nothing/{number}?page={number}")
        if number <= 50:
            await client.request("PROPFIND", f"/users/{number}")
            await client.request("PURGE", f"/nothing/{number}")

    counted = await requests(client)

    assert counted == {
        ("/users/{user}", "GET", "200"): 3,
        ("/users/{user}", "GET", "404"): 197,
        ("unknown", "GET", "404"): 200,
        ("unknown", "other", "404"): 50,
        ("unknown", "other", "405"): 50,
    }
    assert len(await samples(client)) < 120


#: What Prometheus asks for: 2.42, and 3.5 in its order.
ACCEPT_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
ACCEPT_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize("accept", ["application/openmetrics-text", ACCEPT_2, ACCEPT_3])
async def test_the_page_is_openmetrics_for_those_who_prefer_it(client, accept):
    await client.get("/users/1")
    response = await client.get("/metrics", headers=WITH_TOKEN | {"Accept": accept})

    assert response.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert "Accept" in ",".join(response.headers.getall("Vary"))
    names = {each.name for each in open_metric_families(await response.text())}
    assert {"microblog_ready", "microblog_connections_cut", "microblog_http_request_seconds"} <= names


@pytest.mark.parametrize(
    "accept", ["*/*", "text/plain", "application/openmetrics-text;q=0.2,text/plain", "\xb2;version=x"]
)
async def test_the_page_is_plain_text_for_all_others(client, accept):
    response = await client.get("/metrics", headers=WITH_TOKEN | {"Accept": accept})
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


# Who may read it


@pytest.fixture
async def reading(make_front):
    """Ask for the page without a token, from this machine; return the status."""

    async def read(headers=None, method="GET", path="/metrics", **settings):
        front = await make_front(**settings)
        return (await front.client.request(method, path, headers=headers or {})).status

    return read


async def test_this_machine_reads_it_without_a_token(reading):
    assert [await reading(path=path) for path in ("/metrics", "/metrics/")] == [200, 200]
    assert await reading(method="HEAD") == 200


@pytest.mark.parametrize("networks", ["", "10.0.0.0/8", "::1/128"])
async def test_an_address_that_is_not_in_the_networks_needs_the_token(reading, networks):
    assert await reading(metrics_networks=networks) == 404
    assert await reading(WITH_TOKEN, metrics_networks=networks) == 200


async def test_a_wrong_token_does_not_close_it(reading):
    """The address is enough; a scraper may send what another job needs."""
    assert await reading({"Authorization": "Bearer wrong"}) == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "PROPFIND"])
async def test_only_reading_is_open(reading, method):
    assert await reading(method=method) == 404


@pytest.mark.parametrize("path", ["/admin/", "/admin/status.json", "/table/", "/metricss"])
async def test_nothing_else_is_open(reading, path):
    assert await reading(path=path) == 404


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": "198.51.100.7"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"Via": "1.1 somewhere"},
    ],
)
async def test_a_proxy_that_is_not_trusted_proves_no_client(reading, header):
    """All that it sends on comes from this machine."""
    assert await reading(header) == 404


@pytest.mark.parametrize(
    ("hops", "status"),
    [
        ("10.1.2.3", 200),
        ("198.51.100.7, 10.1.2.3", 200),
        ("10.1.2.3, 198.51.100.7", 404),
        ("198.51.100.7", 404),
        ("unknown", 404),
        ("", 404),
        ("127.0.0.1", 404),
    ],
)
async def test_a_trusted_proxy_is_believed_of_its_client(reading, hops, status):
    """What the client itself may have written, before the nearest hop, counts for nothing."""
    settings = {"trusted_proxies": "127.0.0.0/8", "metrics_networks": "127.0.0.0/8,10.0.0.0/8"}
    assert await reading({"X-Forwarded-For": hops}, **settings) == status


async def test_a_trusted_proxy_reads_it_for_itself(reading):
    assert await reading(trusted_proxies="127.0.0.0/8") == 200


async def test_a_web_page_reads_nothing(reading):
    """A browser on this machine sends requests of any page; these name the page's origin."""
    assert await reading({"Origin": "https://app.example"}, cors_origins="*") == 404


async def test_the_application_of_a_worker_serves_it(real_application, tmp_path):
    """Its stores do not answer; the page says so."""
    settings = Settings(admin_token=TOKEN, data_dir=tmp_path)
    settings.worker_dir.mkdir(parents=True)
    app = real_application(settings)
    async with TestClient(TestServer(app.web.web_app)) as client:
        found = {(sample.name, *sample.labels.values()): sample.value for sample in await samples(client, {})}

    assert found["microblog_ready",] == 0
    assert found["microblog_store_up", "redis"] == 0
    assert ("microblog_outbox_depth",) not in found
