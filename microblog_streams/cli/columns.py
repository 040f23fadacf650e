"""What is shown of people, posts and tokens, column by column: a title, and the name of the field."""

from collections.abc import Sequence
from typing import Final

Columns = Sequence[tuple[str, str]]

USERS: Final[Columns] = (("id", "id"), ("name", "username"), ("since", "created_at"))
POSTS: Final[Columns] = (("written", "created_at"), ("author", "username"), ("post", "content"), ("id", "post_id"))
TOKENS: Final[Columns] = (("id", "id"), ("name", "name"), ("made", "created_at"), ("last used", "last_used_at"))
