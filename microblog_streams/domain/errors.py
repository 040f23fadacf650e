"""What can go wrong, in the system's own words.

Stores and operations raise these and nothing else that a caller is expected to handle. The web layer turns
each into a status and a problem document; ``delivery`` tells by ``Transient`` what is worth another try.
"""

from collections.abc import Sequence
from typing import ClassVar


class MicroblogError(Exception):
    """Base of all errors that are part of the contract between the layers."""


class NotFound(MicroblogError):
    """Something that was asked for by id is not there (or is deleted)."""

    def __init__(self, noun: str, ident: object) -> None:
        """Name the kind of thing (``user``, ``post``) and the id that was asked for."""
        super().__init__(f"There is no {noun} {ident}.")
        self.noun = noun
        self.ident = ident


class Conflict(MicroblogError):
    """The request is well formed and contradicts what is there."""


class UsernameTaken(Conflict):
    """Somebody has this name, or one that reads or looks the same, or had it until lately."""

    def __init__(self, username: str, reason: str = "is taken") -> None:
        """Keep the name as it was asked for, and why it is not to be had: what follows on the name."""
        super().__init__(f"The username {username!r} {reason}.")
        self.reason = reason


class TooManyFollowees(Conflict):
    """Somebody follows as many people as one may."""

    def __init__(self, most: int) -> None:
        """Say how many that are."""
        super().__init__(f"Nobody can follow more than {most:,} people.")


class KeyReused(Conflict):
    """An Idempotency-Key came again with another request than the first time."""

    def __init__(self) -> None:
        """Keep the key out of it: some are as good as a password for a day."""
        super().__init__("This Idempotency-Key came before, with another request.")


class Blocked(MicroblogError):
    """A follow between two of whom one has blocked the other; which of them is nobody's business."""

    def __init__(self, followee: int) -> None:
        """Name whom the caller wanted to follow."""
        super().__init__(f"You cannot follow user {followee}.")
        self.followee = followee


class Unauthenticated(MicroblogError):
    """It is not known who calls, and must be."""


class BadToken(Unauthenticated):
    """A token came that is none, or none any more."""

    def __init__(self) -> None:
        """Keep the token out of it."""
        super().__init__("The token is not valid: it never was, it was revoked, or it has expired.")


class WrongLogin(Unauthenticated):
    """Name and password do not belong together. Which of the two is wrong is not told."""

    def __init__(self) -> None:
        """Say just that."""
        super().__init__("The username or the password is wrong.")


class Forbidden(MicroblogError):
    """It is known who calls, and they may not do this."""


class Invalid(MicroblogError):
    """A value breaks a rule; ``field`` says where."""

    def __init__(self, field: str, message: str) -> None:
        """Name the field as the caller spelled it, and the rule in words."""
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Transient(MicroblogError):
    """Worth another try: a connection, a time-out, an overload. ``deliver`` retries these without end."""


class Busy(Transient):
    """Others are in the way; nothing was done."""


class StoreUnavailable(Transient):
    """A store did not answer. Nothing is known of what it did with a write."""

    def __init__(self, store: str, reason: object) -> None:
        """Name the store (``postgres``, ``cassandra``, ``redis``, ``kafka``) and why it is thought away."""
        super().__init__(f"{store} is unavailable: {reason}")
        self.store = store
        self.reason = reason


class NoAnswer(StoreUnavailable):
    """A store said nothing for a call's whole time-out, where one that is gone refuses or breaks off."""


class BrokerUnavailable(StoreUnavailable):
    """No connection to the broker: nothing was sent."""

    def __init__(self, reason: object) -> None:
        """Say why the broker is thought away."""
        super().__init__("kafka", reason)


class WorkerUnavailable(Transient):
    """Another worker has what was asked for, or should have it, and cannot be asked now; the message is the reason."""


class OutcomeUnknown(Transient):
    """A write was sent and its confirmation never came: it may have happened."""

    advice: ClassVar[str] = "The outcome is unknown; retry with the same Idempotency-Key."

    def __init__(self, reason: object) -> None:
        """Say what was not confirmed."""
        super().__init__(f"{reason}. {self.advice}")


class Unfinished(Transient):
    """A cold timeline is being rebuilt, which takes longer than its reader waits; it goes on behind."""

    def __init__(self, entries: Sequence[bytes] = ()) -> None:
        """Keep what was read so far: entries, newest first, between which others may be missing."""
        super().__init__("The timeline is being rebuilt.")
        self.entries = entries


class NotMine(MicroblogError):
    """The partition is another worker's by now: leave it alone, without acknowledging anything."""


class SetupError(MicroblogError):
    """The system cannot start as it is set up; the message says what is wrong and what to do."""
