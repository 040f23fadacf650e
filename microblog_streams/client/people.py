"""People: registering, signing in, finding."""

from typing import Any

from microblog_streams.client.authenticated_transport import Caller, parse
from microblog_streams.client.messages import Request, post
from microblog_streams.client.models import Model, NewToken, Registered, Token, User
from microblog_streams.client.pages import LARGEST_PAGE, Listing
from microblog_streams.client.paths import path


class _Secret(Model):
    token: str | None = None


class People:
    """What a client can do with people, itself among them."""

    _caller: Caller

    async def register(self, username: str, password: str | None = None) -> Registered:
        """Register somebody. Without a password, the token is their only way in. Raises Invalid, UsernameTaken.

        The client goes on as whoever it was: ``acting_as(registered.identity)`` calls as the new one.
        """
        answer = await self._caller.call(post("/users/", _credentials(username, password)))
        return Registered(parse(answer, User), parse(answer, _Secret).token)

    async def sign_in(self, username: str, password: str, name: str = "") -> NewToken:
        """Return a new token; ``name`` is what its owner will know it by. Raises Unauthenticated."""
        body = _credentials(username, password) | ({"name": name} if name else {})
        token: NewToken = await self._caller.read(post("/tokens/", body), NewToken)
        return token

    async def tokens(self) -> tuple[Token, ...]:
        """Return one's own tokens. Raises Unauthenticated."""
        tokens: tuple[Token, ...] = await self._caller.read(Request("GET", "/tokens/"), tuple[Token, ...])
        return tokens

    async def revoke(self, token: int) -> None:
        """Make one of one's own tokens worthless, by its id. Raises NotFound."""
        await self._caller.call(Request("DELETE", path("tokens", token)))

    async def user(self, user: int) -> User:
        """Return somebody. Raises NotFound."""
        found: User = await self._caller.read(Request("GET", path("users", user)), User)
        return found

    async def find(self, username: str) -> User | None:
        """Return who has this name, in any case and form of it; None where nobody has. Raises Invalid."""
        request = Request("GET", path("users", "", username=username))
        found: tuple[User, ...] = await self._caller.read(request, tuple[User, ...])
        return found[0] if found else None

    def users(self, page_size: int = LARGEST_PAGE) -> Listing[User]:
        """Return the list of everybody, by id."""
        return Listing(self._caller, path("users", ""), User, page_size)

    async def delete_user(self, user: int) -> None:
        """Delete a person, for good. Raises NotFound, Forbidden."""
        await self._caller.call(Request("DELETE", path("users", user)))


def _credentials(username: str, password: str | None) -> dict[str, Any]:
    return {"username": username} | ({"password": password} if password is not None else {})
