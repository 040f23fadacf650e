"""A token that is revoked on one worker ends on another too, once what that one has cached is too old."""

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
