"""While a part is away, dead or frozen, requests that need it fail in time, and everything else goes on.

What was answered meanwhile has taken effect once the part is back.
"""


def test_without_kafka_users_read_register_and_follow(world):
    with world.without("kafka"):
        cleo = world.register()
        world.follow(cleo, world.ann)
        assert world.timeline(cleo) == []
        assert world.timeline(world.bob) == world.old[::-1]
        world.answers(200, "GET", f"/posts/{world.ann}")
        world.answers(200, "GET", f"/users/{world.ann}/followers")
        world.refuses_a_post()
        world.at_once(30, lambda: world.refuses_a_post())
        assert "nothing was done" in world.refuses_a_post()
        assert "nothing was done" in world.refuses("DELETE", f"/posts/{world.old[0]}")

    world.recovers()
    new = world.post_in_the_end(world.ann)
    world.eventually(lambda: new in world.timeline(world.bob), world.worker)
    world.eventually(lambda: {new, world.old[0]} <= set(world.timeline(cleo)), world.worker)


def test_without_cassandra_users_post_follow_and_read_cached_posts(world):
    cold = world.register()
    world.forget_timeline(cold)
    with world.without("cassandra"):
        cleo = world.register()
        world.follow(cleo, world.ann)
        new = world.post(world.ann)
        assert world.timeline(world.bob) == world.old[::-1]
        assert world.timeline(world.ann) == [new, world.old[0]]
        world.answers(200, "GET", f"/posts/{new}")
        assert "cassandra" in world.refuses("GET", f"/posts/{world.ann}")
        assert "cassandra" in world.refuses("GET", f"/timelines/{cold}")
        world.at_once(30, lambda: world.post(cold))

    world.recovers()
    world.eventually(lambda: new in world.timeline(world.bob), world.worker)
    world.shows(cleo, [world.old[0], new])
    world.answers(200, "GET", f"/posts/{world.ann}")
    world.eventually(lambda: len(world.shown(cold)) == 30, world.worker)


def test_without_redis_users_post_follow_delete_and_read_from_the_post_store(world):
    with world.without("valkey"):
        cleo = world.register()
        world.follow(cleo, world.ann)
        new, gone = world.post(world.ann), world.post(world.ann)
        world.answers(204, "DELETE", f"/posts/{gone}")
        assert world.timeline(world.bob) == [new, *world.old[::-1]]
        assert world.timeline(cleo) == [new, world.old[0]]
        world.answers(200, "GET", f"/posts/{world.ann}")
        world.answers(200, "GET", f"/users/{world.ann}")

    world.recovers()
    world.shows(world.bob, [*world.old, new])
    world.shows(cleo, [world.old[0], new])
    world.shows(world.ann, [world.old[0], new])


def test_without_postgresql_cached_users_post_and_read(world):
    with world.without("postgres"):
        new = world.post(world.ann)
        world.eventually(lambda: world.timeline(world.bob) == [new, *world.old[::-1]], world.worker)
        world.answers(200, "GET", f"/posts/{new}")
        world.answers(200, "GET", f"/posts/{world.ann}")
        world.answers(204, "DELETE", f"/posts/{new}")
        assert "postgres" in world.refuses("POST", "/users/", {"username": "dora"})
        world.at_once(30, lambda: world.refuses("POST", f"/users/{world.ann}/follow/{world.bob}"))
        assert "postgres" in world.refuses("POST", f"/users/{world.ann}/follow/{world.bob}")
        assert "postgres" in world.refuses("GET", "/timelines/999999999")
        assert "postgres" in world.refuses("GET", "/users/")

    world.recovers()
    world.follow(world.ann, world.bob)
    world.shows(world.ann, world.old)
    world.shows(world.bob, world.old)
