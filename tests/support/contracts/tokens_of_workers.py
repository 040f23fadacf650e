"""What takes its time with tokens on several workers: a revocation, and the last use in the list."""

import uuid
from collections.abc import Callable

from tests.support.live.worker import Worker

PASSWORD = "correct horse"


def check_revocation_holds_elsewhere(
    one: Worker, other: Worker, eventually: Callable[..., None], seconds: float
) -> None:
    """Revoke one of a user's two tokens on ``one``; within so many seconds ``other`` refuses it, and it alone."""
    name = f"t{uuid.uuid4().hex[:20]}"
    ann = one.call("POST", "/users/", {"username": name, "password": PASSWORD}, token="").body
    phone = other.call("POST", "/tokens/", {"username": name, "password": PASSWORD, "name": "phone"}, token="").body

    def status(worker: Worker, token: str) -> int:
        return worker.call("GET", f"/timelines/{ann['id']}", token=token).status

    assert status(one, phone["token"]) == status(other, phone["token"]) == 200

    assert one.call("DELETE", f"/tokens/{phone['id']}", token=ann["token"]).status == 204

    assert status(one, phone["token"]) == 401
    eventually(lambda: status(other, phone["token"]) == 401, one, other, seconds=seconds)
    assert status(other, ann["token"]) == 200


def check_last_use_is_listed(one: Worker, other: Worker, eventually: Callable[..., None], seconds: float) -> None:
    """Use a token on ``one``; within so many seconds ``other`` lists when it was last used."""
    name = f"t{uuid.uuid4().hex[:20]}"
    ann = one.call("POST", "/users/", {"username": name, "password": PASSWORD}, token="").body
    assert one.call("GET", f"/timelines/{ann['id']}", token=ann["token"]).status == 200

    def used() -> object:
        (token,) = other.call("GET", "/tokens/", token=ann["token"]).body
        return token["lastUsedAt"]

    eventually(used, one, other, seconds=seconds)
