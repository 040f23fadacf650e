"""How people get in: by registering, and later by name and password. Both give a token, which is shown once."""

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from microblog_streams.domain.errors import KeyReused
from microblog_streams.domain.models import Credentials, IdempotencyKey, User
from microblog_streams.operations import tokens, validation
from microblog_streams.operations.passwords import Passwords
from microblog_streams.operations.tokens import Issued, Tokens
from microblog_streams.operations.users import Users

#: What the token is called that registering gives.
REGISTERED: Final = "registration"


@dataclass(frozen=True, slots=True)
class Registered:
    """Somebody who registered, and their token where one was asked for."""

    user: User
    token: SecretStr | None


@dataclass(frozen=True)
class Access:
    """What the system does for people who are not known yet."""

    users: Users
    tokens: Tokens
    passwords: Passwords

    async def register(
        self, username: str, password: SecretStr | None, once: IdempotencyKey | None = None, token: bool = True
    ) -> Registered:
        """Register; ``token``: give one. Raises Invalid, UsernameTaken, KeyReused, NotFound, Busy.

        A repeated call finds the same user (NotFound where that one is deleted by now), and gives another token in
        place of the former. ``once.digest`` must not depend on the password, which is compared with the one kept.
        """
        validation.username(username)  # before the work of hashing
        hashed = await self.passwords.hashed(password) if password is not None else None
        secret = tokens.new() if token else None
        credentials = Credentials(hashed, self.tokens.describe(secret, REGISTERED) if secret is not None else None)
        user, new = await self.users.admit(username, once, credentials)
        return Registered(user, secret) if new else await self._again(user, password, token)

    async def _again(self, user: User, password: SecretStr | None, token: bool) -> Registered:
        if password is not None and not await self.passwords.belongs(password, user.id):
            raise KeyReused
        issued = await self.tokens.renew(user.id, REGISTERED) if token else None
        return Registered(user, issued.secret if issued else None)

    async def log_in(self, username: str, password: SecretStr, name: str) -> Issued:
        """Give a token called ``name`` for a password. Raises Invalid (``name``), WrongLogin, Busy."""
        validation.token_name(name)
        return await self.tokens.issue(await self.passwords.log_in(username, password), name)
