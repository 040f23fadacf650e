"""Whether a text shows anything: told by properties of its characters (Unicode 17, UAX #44), whatever they are called.

``unicodedata`` lacks the property that matters most, so its ranges stand here. They are stable: code points that will
be ignorable were given to it in advance, which is why one that is not assigned yet counts as seen (a new emoji).
"""

import re
from typing import Final

#: Default_Ignorable_Code_Point: soft hyphen, joiners and marks of direction, variation selectors, Hangul fillers, tags.
_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
#: White_Space, with the separators that Python strips too.
_SPACE: Final = "\\s"
#: Control characters that are not ignorable, and draw nothing (category Cf without Prepended_Concatenation_Mark, Cc).
_CONTROL: Final = "\\x00-\\x1f\\x7f-\\x9f\ufff9-\ufffb\U00013430-\U00013440"
#: Code points that will never be characters (Noncharacter_Code_Point).
_NO_CHARACTERS: Final = "\ufdd0-\ufdef\ufffe\uffff" + "".join(
    f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17)
)
#: Symbols and letters whose glyph is blank, by their names: no property tells them.
_BLANK: Final = (
    "\u2800"  # BRAILLE PATTERN BLANK
    "\U00013441\U00013442"  # EGYPTIAN HIEROGLYPH FULL BLANK, HALF BLANK
    "\U00016fe4"  # KHITAN SMALL SCRIPT FILLER
    "\U0001d159"  # MUSICAL SYMBOL NULL NOTEHEAD
)

#: What a class of a regular expression holds for the characters that show nothing.
UNSEEN: Final = _SPACE + _CONTROL + _IGNORABLE + _NO_CHARACTERS + _BLANK

_SEEN: Final = re.compile(f"[^{UNSEEN}]")


def shows(text: str) -> bool:
    """Return whether there is a character that is seen. A mark without a letter is: it is drawn."""
    return _SEEN.search(text) is not None
