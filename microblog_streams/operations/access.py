"""Registration and login with passwords. Both return a token, which is shown only once.

Passwords are stored as argon2id hashes, and checked without revealing who is registered. A hash takes 64 MiB and a good
part of a second, by design. So few are computed at a time, in threads of their own, and the next one is refused while
many wait: a flood of logins must not delay everything else.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from pydantic import SecretStr

from microblog_streams.aio.failures import best_effort
from microblog_streams.domain.errors import Busy, Forbidden, Invalid, KeyReused, WrongLogin
from microblog_streams.domain.models import Credentials, IdempotencyKey, Login, User
from microblog_streams.operations import tokens, validation
from microblog_streams.operations.tokens import Issued, Tokens
from microblog_streams.operations.users import Users
from microblog_streams.ports import PasswordStore

#: Hashes computed concurrently, and calls that may wait.
MAX_CONCURRENT_HASHES: Final = 2
MAX_WAITING_CALLS: Final = 32

T = TypeVar("T")


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, store: PasswordStore, hasher: PasswordHasher | None = None) -> None:
        """Take the store. ``hasher``: by default the second recommendation of RFC 9106."""
        self.store = store
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._decoy = decoy_hash(self._hasher)
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT_HASHES, thread_name_prefix="passwords")
        self._asked = 0

    async def hashed(self, password: SecretStr) -> str:
        """Return the hash of a password. Raises Invalid (``password``), Busy."""
        text = validation.password(password.get_secret_value())
        return await self._work(lambda: self._hasher.hash(text))

    async def log_in(self, username: str, password: SecretStr) -> int:
        """Return the id of the user with this name and password. Raises WrongLogin, Busy.

        It takes as long for a name without user, or a user without password.
        """
        login = await self._find(username)
        stored = login.password if login else None
        right = await self._fits(stored or self._decoy, password)
        if login is None or stored is None or not right:
            raise WrongLogin
        if self._hasher.check_needs_rehash(stored):
            await best_effort("rehash_password", lambda: self._rehash(login.user, stored, password), None)
        return login.user

    async def belongs(self, password: SecretStr, user: int) -> bool:
        """Return whether it is the user's password. Raises Busy."""
        return await self._fits(await self.store.get(user) or self._decoy, password)

    async def change(self, user: int, new: SecretStr, current: SecretStr | None) -> None:
        """Set a user's password. Raises Invalid (``password``), Forbidden (not the current one), NotFound, Busy.

        The new hash takes some time to make: a password that was changed or reset meanwhile is the current one.
        """
        stored = await self.store.get(user)
        if stored is None:
            await self.store.set(user, await self.hashed(new))
        elif (
            current is None
            or not await self._fits(stored, current)
            or not await self.store.replace(user, stored, await self.hashed(new))
        ):
            raise Forbidden("The current password is not right.")

    async def _find(self, username: str) -> Login | None:
        try:
            _, key = validation.username(username)
        except Invalid:
            return None
        return await self.store.find(key)

    async def _fits(self, stored: str, password: SecretStr) -> bool:
        try:
            text = validation.password(password.get_secret_value())
        except Invalid:
            return False
        return await self._work(lambda: self._verified(stored, text))

    def _verified(self, stored: str, text: str) -> bool:
        try:
            return self._hasher.verify(stored, text)
        except (VerificationError, InvalidHashError):
            return False

    async def _rehash(self, user: int, stored: str, password: SecretStr) -> None:
        """Store a password by the present parameters, unless it was changed meanwhile."""
        await self.store.replace(user, stored, await self.hashed(password))

    async def _work(self, work: Callable[[], T]) -> T:
        if self._asked >= MAX_CONCURRENT_HASHES + MAX_WAITING_CALLS:
            raise Busy("Too many passwords are being checked")
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._asked -= 1


def decoy_hash(hasher: PasswordHasher) -> str:
    """Return a hash that no password has and that takes as long to check as any other."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


#: The name of the token that registration issues.
REGISTRATION_NAME: Final = "registration"


@dataclass(frozen=True, slots=True)
class Registered:
    """A new user, and their token where one was asked for."""

    user: User
    token: SecretStr | None


@dataclass(frozen=True)
class Access:
    """Use cases of callers without a token."""

    users: Users
    tokens: Tokens
    passwords: Passwords

    async def register(
        self, username: str, password: SecretStr | None, once: IdempotencyKey | None = None, token: bool = True
    ) -> Registered:
        """Register a user. ``token``: also issue one. Raises Invalid, UsernameTaken, KeyReused, NotFound, Busy.

        A repeated call finds the same user (NotFound where they are deleted by now) and replaces the token.
        ``once.digest`` must not depend on the password, which is compared with the stored one.
        """
        validation.username(username)  # before the work of hashing
        hashed = await self.passwords.hashed(password) if password is not None else None
        secret = tokens.new() if token else None
        credentials = Credentials(
            hashed, self.tokens.describe(secret, REGISTRATION_NAME) if secret is not None else None
        )
        user, new = await self.users.admit(username, once, credentials)
        return Registered(user, secret) if new else await self._again(user, password, token)

    async def _again(self, user: User, password: SecretStr | None, token: bool) -> Registered:
        if password is not None and not await self.passwords.belongs(password, user.id):
            raise KeyReused
        issued = await self.tokens.renew(user.id, REGISTRATION_NAME) if token else None
        return Registered(user, issued.secret if issued else None)

    async def sign_up(
        self, username: str, password: SecretStr, name: str, once: IdempotencyKey | None = None
    ) -> Issued:
        """Register a user, and issue a token called ``name``. Raises what ``register`` does."""
        registered = await self.register(username, password, once, token=False)
        return await self.tokens.issue(registered.user.id, name)

    async def set_password(self, user: int, new: SecretStr, current: SecretStr | None) -> None:
        """Set a user's password. Raises Invalid (``password``), Forbidden (``current`` is wrong), NotFound, Busy."""
        validation.password(new.get_secret_value())  # before the work of hashing
        await self.passwords.change(user, new, current)

    async def log_in(self, username: str, password: SecretStr, name: str) -> Issued:
        """Issue a token called ``name`` for a password. Raises Invalid (``name``), WrongLogin, Busy."""
        validation.token_name(name)
        return await self.tokens.issue(await self.passwords.log_in(username, password), name)
