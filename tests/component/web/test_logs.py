"""What the HTTP front logs: each request at level DEBUG, and nothing that is private."""

import pytest

from tests.support.logged import logged
from web import routes

NAME, PASSWORD, TEXT = "very-private-name", "a-very-private-password", "a very private text"
ADDRESS, PATH, BODY, TOKEN = "203.0.113.77", "private-path", "private-body", "mb_private-token"
#: Of what a client sends, what no line may have.
SECRETS = (NAME, PASSWORD, TEXT, ADDRESS, PATH, BODY, TOKEN, "rivate", "RIVATE")
SETTINGS = {"auth": "required", "trusted_proxies": "127.0.0.0/8", "limit_signing_in": "3/minute"}
USUAL_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
METHODS = (*USUAL_METHODS, "PURGE", "PRIVATE")


async def call_everything(front, token, idents=("1", PATH), methods=METHODS):
    """Call every route by every method with secrets everywhere, first as it should be, then with all that is wrong."""
    headers = {"X-Forwarded-For": ADDRESS, "Authorization": f"Bearer {token}"}
    client, login = front.client, {"username": NAME, "password": PASSWORD}
    await client.post("/users/", json=login, headers=headers)
    await client.post("/tokens/", json=login, headers={"X-Forwarded-For": ADDRESS})
    for _ in range(5):
        await client.post("/tokens/", json={**login, "password": TEXT}, headers={"X-Forwarded-For": ADDRESS})
    await client.post("/posts/", json={"userId": 1, "content": TEXT}, headers=headers)
    for path in [path for path, _ in routes.API + routes.OPERATION + routes.INTERNALS]:
        for method in methods:
            for ident in idents:
                url = "".join(ident if odd % 2 else part for odd, part in enumerate(path.replace("}", "{").split("{")))
                await client.request(
                    method, f"{url}?after={PATH}", json={"content": TEXT, "name": NAME}, headers=headers
                )
    await client.post("/posts/", data=f'{{"{BODY}', headers={**headers, "Content-Type": "application/json"})
    await client.get("/users/1", headers={"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": ADDRESS})


@pytest.fixture
async def front(make_front):
    return await make_front(**SETTINGS)


@pytest.fixture
async def token(front):
    return (await front.app.operations.tokens.issue(1, "by hand")).secret.get_secret_value()


async def test_nothing_that_a_client_sends_is_logged(front, token):
    with logged("", "DEBUG") as log:
        await call_everything(front, token)

    assert {"request_answered", "request_limited", "event_published"} <= set(log.events())
    assert {secret for secret in (*SECRETS, token) if secret in log.text()} == set()


@pytest.mark.parametrize("error", [ValueError(TEXT), KeyError(NAME), RuntimeError(f"{TOKEN} {ADDRESS}")])
async def test_nor_what_an_error_quotes_of_it(front, token, error):
    front.app.fail(error)
    with logged("", "DEBUG") as log:
        await call_everything(front, token, idents=["1"], methods=USUAL_METHODS)  # the others reach no operation

    assert {"request_answered", "request_failed"} <= set(log.events())
    assert {secret for secret in (*SECRETS, token) if secret in log.text()} == set()


async def test_with_the_setting_callers_and_errors_are(front, token):
    with logged("", "DEBUG", personal=True) as log:
        front.app.fail(ValueError(TEXT))
        await front.client.get(f"/timelines/{PATH}", headers={"Authorization": f"Bearer {token}"})

    assert PATH in log.text()
    assert TEXT in log.text()


async def test_each_request_is_a_line_with_route_and_status(front, token):
    with logged("web", "DEBUG") as log:
        await front.client.get("/users/1", headers={"X-Request-ID": "mine"})
        await front.client.request("PURGE", "/nothing/17", headers={"X-Request-ID": "mine"})

    lines = [line for line in log.lines() if line["event"] == "request_answered"]
    assert [(line["request_id"], line["method"], line["route"], line["status"]) for line in lines] == [
        ("mine", "GET", "/users/{user}", 200),
        ("mine", "other", "unknown", 404),
    ]


async def test_a_post_is_logged_from_its_request_to_its_confirmation(front, token):
    with logged("microblog_streams", "DEBUG") as log:
        headers = {"X-Request-ID": "mine", "Authorization": f"Bearer {token}"}
        answer = await (await front.client.post("/posts/", json={"userId": 1, "content": "x"}, headers=headers)).json()

    steps = [line for line in log.lines() if line.get("event_id") == answer["postId"]]
    assert [line["event"] for line in steps] == ["post_received", "event_published", "post_stored"]
    assert {line["request_id"] for line in steps} == {"mine"}
    (event,) = front.app.log.events
    assert event.headers["request-id"] == "mine"


async def test_a_post_that_kafka_does_not_take_is_a_warning(front, token):
    front.app.log.away = True
    with logged("microblog_streams") as log:
        headers = {"X-Request-ID": "mine", "Authorization": f"Bearer {token}"}
        answer = await front.client.post("/posts/", json={"userId": 1, "content": TEXT}, headers=headers)

    assert answer.status == 503
    (line,) = log.lines()
    assert (line["event"], line["level"], line["request_id"]) == ("event_not_published", "warning", "mine")
