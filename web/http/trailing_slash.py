"""Two spellings of every path, with a slash at its end and without: both are served alike, and nobody is redirected.

A redirect would cost a call, and turn a POST into a GET in many clients.
"""


def other(path: str) -> str:
    """Return the same path with a slash at its end where it has none, else without."""
    return path.removesuffix("/") if path.endswith("/") else path + "/"


def canonical(path: str) -> str:
    """Return the spelling that docs/api.md uses: a slash ends ``/users/`` and ``/posts/``, and nothing below them."""
    bare = path.removesuffix("/")
    return bare + "/" if bare.count("/") == 1 else bare
