"""The errors that callers are expected to handle; stores and operations raise no others on purpose.

The web layer turns each into a status and a problem document. ``delivery`` retries what is ``Transient``.
"""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID


class MicroblogError(Exception):
    """Base class of all errors that cross a layer."""


class NotFound(MicroblogError):
    """There is no such user, post, token or edge, or it is deleted."""

    def __init__(self, noun: str, ident: object) -> None:
        """``noun`` is the kind of thing (``user``, ``post``); ``ident`` is the requested id."""
        super().__init__(f"There is no {noun} {ident}.")
        self.noun = noun
        self.ident = ident


class Conflict(MicroblogError):
    """The request is valid, but contradicts the present state."""


class UsernameTaken(Conflict):
    """A user has this name or one that looks the same, or had it until recently."""

    def __init__(self, username: str, reason: str = "is taken") -> None:
        """``reason`` is the end of the sentence that starts with the name."""
        super().__init__(f"The username {username!r} {reason}.")
        self.reason = reason


class TooManyFollowees(Conflict):
    """The user follows as many users as the limit allows."""

    def __init__(self, limit: int) -> None:
        """``limit`` is the setting ``max_followees``."""
        super().__init__(f"A user can follow at most {limit:,} users.")


class KeyReused(Conflict):
    """An Idempotency-Key was used for two different requests."""

    def __init__(self) -> None:
        """The message leaves the key out: it can be as good as a password for a day."""
        super().__init__("This Idempotency-Key came before, with another request.")


class Blocked(MicroblogError):
    """One of the two users has blocked the other. The message does not say which."""

    def __init__(self, followee: int) -> None:
        """``followee`` is the user whom the caller wanted to follow."""
        super().__init__(f"You cannot follow user {followee}.")
        self.followee = followee


class Unauthenticated(MicroblogError):
    """The operation needs a caller, and the request has no valid credentials."""


class BadToken(Unauthenticated):
    """The token is unknown, revoked or expired."""

    def __init__(self) -> None:
        """The message leaves the token out."""
        super().__init__("The token is not valid: it never was, it was revoked, or it has expired.")


class WrongLogin(Unauthenticated):
    """The username or the password is wrong. The message does not say which."""

    def __init__(self) -> None:
        """Take no details."""
        super().__init__("The username or the password is wrong.")


class Forbidden(MicroblogError):
    """The caller is known, and may not do this."""


class Invalid(MicroblogError):
    """A value breaks a rule."""

    def __init__(self, field: str, message: str) -> None:
        """``field`` is its name in the request, ``message`` is the rule."""
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class SearchOff(MicroblogError):
    """The deployment has no search engine; no retry helps."""

    def __init__(self) -> None:
        """Take no details."""
        super().__init__("This deployment has no search.")


class Transient(MicroblogError):
    """A retry can succeed: a lost connection, a time-out, an overload. ``deliver`` retries without limit."""


class Busy(Transient):
    """Concurrent calls were in the way; nothing was done."""


class TooManyStreams(MicroblogError):
    """A user or an address follows too many timelines live."""

    def __init__(self, allowed: int) -> None:
        """``allowed`` is the number of streams."""
        super().__init__(f"At most {allowed:,} streams can be open at the same time. Close one first.")


class NotStoredYet(Transient):
    """No store has the post, and it is so young that it may be accepted and not stored yet; nothing was done."""

    def __init__(self, post_id: UUID) -> None:
        """``post_id`` is the requested id."""
        super().__init__(f"Post {post_id} is not stored yet, or never existed")


class StoreUnavailable(Transient):
    """A store did not answer. A write may or may not have happened."""

    def __init__(self, store: str, reason: object) -> None:
        """``store`` is ``postgres``, ``cassandra``, ``redis`` or ``kafka``."""
        super().__init__(f"{store} is unavailable: {reason}")
        self.store = store
        self.reason = reason


class NoAnswer(StoreUnavailable):
    """A store was silent for a call's whole time-out; one that has ended refuses or closes the connection."""


class BrokerUnavailable(StoreUnavailable):
    """There is no connection to the broker. Nothing was sent."""

    def __init__(self, reason: object) -> None:
        """Take the reason."""
        super().__init__("kafka", reason)


class WorkerUnavailable(Transient):
    """The rows belong to another worker, which cannot be reached. The message is the reason."""


class OutcomeUnknown(Transient):
    """A write was sent, and not confirmed in time: it may have happened."""

    advice: ClassVar[str] = "The outcome is unknown; retry with the same Idempotency-Key."

    def __init__(self, reason: object) -> None:
        """``reason`` says what was not confirmed."""
        super().__init__(f"{reason}. {self.advice}")


class Unfinished(Transient):
    """The rebuild of a cold timeline takes longer than its reader waits. It continues in the background."""

    def __init__(self, entries: Sequence[bytes] = ()) -> None:
        """``entries`` are those read so far, newest first; others may be missing between them."""
        super().__init__("The timeline is being rebuilt.")
        self.entries = entries


class NotMine(MicroblogError):
    """The partition belongs to another worker now. Stop, and acknowledge nothing."""


class SetupError(MicroblogError):
    """The system cannot start with these settings. The message says what is wrong and what to do."""


class TopicMissing(SetupError):
    """The broker does not know a topic: it was not created, or the broker has just started and will know it."""
