"""Text that others wrote, made fit for a terminal: it is shown, and never obeyed.

An escape sequence in a post could rewrite what stands above it, and a character that turns the direction of writing
make a name look like another. Joiners stay: scripts and emoji are written with them.
"""

import re
from typing import Final

#: All control characters but newline and tab, lone halves of characters, and what turns the direction of writing.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BREAKS: Final = re.compile("[\n\t\u2028\u2029]+")


def clean(text: str) -> str:
    """Return the text without what a terminal would obey; lines stay lines."""
    return _UNFIT.sub("", text)


def one_line(text: str) -> str:
    """Return the text in one line, without what a terminal would obey."""
    return _BREAKS.sub(" ", clean(text))
