"""/health and /ready."""


async def test_health_is_200_and_lists_problems(client):
    response = await client.get("/health")

    assert response.status == 200
    assert await response.json() == {"status": "degraded", "stores": {"redis": "away"}}


async def test_a_ready_worker_says_so(client):
    response = await client.get("/ready")

    assert (response.status, await response.json()) == (200, {"status": "ready"})


async def test_a_worker_that_is_not_ready_says_why(front, problem):
    front.app.health.answer = (False, "waiting for Kafka")

    response = await front.client.get("/ready")

    assert (await problem(response, 503, "not-ready"))["detail"] == "waiting for Kafka"
    assert response.headers["Retry-After"] == "2"
