"""Registration and login. Both return a token, which is shown only once."""

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from microblog_streams.domain.errors import KeyReused
from microblog_streams.domain.models import Credentials, IdempotencyKey, User
from microblog_streams.operations import tokens, validation
from microblog_streams.operations.passwords import Passwords
from microblog_streams.operations.tokens import Issued, Tokens
from microblog_streams.operations.users import Users

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

    async def log_in(self, username: str, password: SecretStr, name: str) -> Issued:
        """Issue a token called ``name`` for a password. Raises Invalid (``name``), WrongLogin, Busy."""
        validation.token_name(name)
        return await self.tokens.issue(await self.passwords.log_in(username, password), name)
