"""Validates usernames, posts, profiles, passwords, token names and reasons, for the API and the commands alike.

Names are compared by a key: ``Ann``, ``ANN`` and its full-width spelling are one name. A post is stored as sent;
white space around it does not count for its length, and it must have a visible character.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from pydantic import HttpUrl, TypeAdapter, ValidationError

from microblog_streams.domain.errors import Invalid

#: Default_Ignorable_Code_Point: soft hyphen, joiners and marks of direction, variation selectors, Hangul fillers, tags.
_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
#: White_Space, with the separators that Python strips too.
_SPACE: Final = "\\s"
#: Control characters that are not ignorable, and draw nothing (category Cf without Prepended_Concatenation_Mark, Cc).
_INVISIBLE_CONTROL: Final = "\\x00-\\x1f\\x7f-\\x9f\ufff9-\ufffb\U00013430-\U00013440"
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

#: The invisible characters, for a class of a regular expression.
UNSEEN: Final = _SPACE + _INVISIBLE_CONTROL + _IGNORABLE + _NO_CHARACTERS + _BLANK

_SEEN: Final = re.compile(f"[^{UNSEEN}]")

#: Code points of a username, in NFC.
MAX_USERNAME: Final = 50
#: Code points of a post without and with the white space around it.
MAX_CONTENT, MAX_RAW_CONTENT = 500, 2_000

#: Code points of a password, in NFC, and of a token's name.
MIN_PASSWORD, MAX_PASSWORD = 8, 200
MAX_TOKEN_NAME: Final = 100

#: Code points of a display name, in NFC, and of a note, both without the white space around them.
MAX_DISPLAY_NAME, MAX_NOTE = 50, 500
#: Links of a profile, and characters of each.
MAX_LINKS, MAX_LINK = 4, 300

#: A character is at most four code points in NFD (UAX #15), so a longer text is too long in NFC as well. Checked before
#: normalization, which takes seconds for thousands of combining marks.
_MAX_NFD_FACTOR: Final = 4

_PUNCTUATION: Final = "_-."
#: Categories of letters and of decimal digits.
_LETTERS_AND_DIGITS: Final = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
#: Marks of one script (vowel signs of Hindi or Thai) are allowed. Marks that combine with any letter, and variation
#: selectors, are not: they make names that look alike.
_LOOSE_MARKS: Final = re.compile("COMBINING |VARIATION SELECTOR")

_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")
_BREAKS: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_FORBIDDEN_IN_TOKEN_NAMES: Final = re.compile(f"[{_BREAKS}\ud800-\udfff]")
#: The rule for token names as a regular expression, for the OpenAPI document.
TOKEN_NAME: Final = rf"^[^{_BREAKS}]*$"
_DIRECTIONS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_NOT_DISPLAYED: Final = f"{_BREAKS}{_DIRECTIONS}{_NO_CHARACTERS}"
_FORBIDDEN_IN_DISPLAY_NAMES: Final = re.compile(f"[{_NOT_DISPLAYED}\ud800-\udfff]")
#: The rule for display names as a regular expression, for the OpenAPI document.
DISPLAY_NAME: Final = rf"^$|^[^{_NOT_DISPLAYED}]*[^{UNSEEN}{_DIRECTIONS}][^{_NOT_DISPLAYED}]*$"
#: Parses and normalises as browsers do (WHATWG).
_URL: Final = TypeAdapter(HttpUrl)
_CONTROL: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_FORBIDDEN_IN_CONTENT: Final = re.compile(f"[{_CONTROL}\ud800-\udfff]")
#: The rule for posts as a regular expression, for the OpenAPI document: no control character, and a visible one.
CONTENT: Final = rf"^[^{_CONTROL}]*[^{UNSEEN}][^{_CONTROL}]*$"
#: The same for notes, which may be empty.
NOTE: Final = f"^$|{CONTENT}"


def username(value: str) -> tuple[str, str]:
    """Return a name in NFC, and the key that must be unique. Raises Invalid (``username``).

    1 to 50 letters and digits of any script, ``_``, ``-`` and ``.``.
    """
    if len(value) > MAX_USERNAME * _MAX_NFD_FACTOR:
        raise _long("username", MAX_USERNAME)
    name = unicodedata.normalize("NFC", value)
    if not name:
        raise Invalid("username", "is empty")
    if len(name) > MAX_USERNAME:
        raise _long("username", MAX_USERNAME)
    for before, character in zip("." + name, name, strict=False):
        if not _in_names(character, before):
            allowed = "letters, digits, '_', '-' and '.' are"
            raise Invalid("username", f"{_code_point(character)} is not allowed in it; {allowed}")
    return name, name_key(name)


def name_key(name: str) -> str:
    """Return the key by which names are compared. Limit the length first: the work grows faster than it."""
    return unicodedata.normalize("NFKC", name).casefold()


def content(value: str) -> str:
    """Return the text of a post as it was sent. Raises Invalid (``content``).

    1 to 500 code points after trimming, at most 2,000 before, with a visible one; of control characters only newline
    and tab.
    """
    if len(value) > MAX_RAW_CONTENT:
        raise _long("content", MAX_RAW_CONTENT)
    if found := _FORBIDDEN_IN_CONTENT.search(value):
        raise Invalid("content", f"{_code_point(found.group())} is not allowed in it")
    text = value.strip()
    if not text:
        raise Invalid("content", "is empty")
    if not has_visible(text):
        raise Invalid("content", "is empty: it has no visible character")
    if len(text) > MAX_CONTENT:
        raise _long("content", MAX_CONTENT)
    return value


def display_name(value: str) -> str:
    """Return a display name in NFC, without white space around it. Raises Invalid (``displayName``).

    Up to 50 code points on one line, without control characters and marks that turn the direction of what follows;
    one that is not empty has a visible character.
    """
    if len(value) > MAX_DISPLAY_NAME * _MAX_NFD_FACTOR:
        raise _long("displayName", MAX_DISPLAY_NAME)
    name = unicodedata.normalize("NFC", value)
    _check_text("displayName", name, MAX_DISPLAY_NAME, _FORBIDDEN_IN_DISPLAY_NAMES)
    return name.strip()


def note(value: str) -> str:
    """Return a profile's note without white space around it. Raises Invalid (``note``).

    Up to 500 code points; of control characters only newline and tab. One that is not empty has a visible character.
    """
    _check_text("note", value, MAX_NOTE, _FORBIDDEN_IN_CONTENT)
    return value.strip()


def reason(value: str) -> str:
    """Return the reason of a suspension without white space around it, by the rules of notes.

    Raises Invalid (``reason``).
    """
    _check_text("reason", value, MAX_NOTE, _FORBIDDEN_IN_CONTENT)
    return value.strip()


def _check_text(field: str, text: str, limit: int, forbidden: re.Pattern[str]) -> None:
    if len(text) > limit:
        raise _long(field, limit)
    if found := forbidden.search(text):
        raise Invalid(field, f"{_code_point(found.group())} is not allowed in it")
    if text and not has_visible(text):
        raise Invalid(field, "has no visible character; leave it empty")


def links(values: Sequence[str]) -> tuple[str, ...]:
    """Return a profile's links as browsers write them. Raises Invalid (``links``).

    Up to four absolute https URLs without user name and password, each of up to 300 characters.
    """
    if len(values) > MAX_LINKS:
        raise Invalid("links", f"has more than {MAX_LINKS} links")
    return tuple(_link(number, value) for number, value in enumerate(values))


def _link(number: int, value: str) -> str:
    field = f"links.{number}"
    if len(value) > MAX_LINK:
        raise _long(field, MAX_LINK)
    try:
        url = _URL.validate_python(value)
    except ValidationError:
        raise Invalid(field, "is not a URL") from None
    if url.scheme != "https":
        raise Invalid(field, "must begin with https://")
    if url.username is not None or url.password is not None:
        raise Invalid(field, "must not have a user name or password")
    if len(str(url)) > MAX_LINK:
        raise _long(field, MAX_LINK)
    return str(url)


def password(value: str) -> str:
    """Return a password in NFC, as it is hashed: keyboards compose "é" differently. Raises Invalid (``password``).

    8 to 200 characters of any kind. The message never quotes the password.
    """
    if len(value) > MAX_PASSWORD * _MAX_NFD_FACTOR:
        raise _long("password", MAX_PASSWORD)
    text = unicodedata.normalize("NFC", value)
    if len(text) < MIN_PASSWORD:
        raise Invalid("password", f"is shorter than {MIN_PASSWORD} characters")
    if len(text) > MAX_PASSWORD:
        raise _long("password", MAX_PASSWORD)
    if _HALF_CHARACTER.search(text):
        raise Invalid("password", "has half a character (a lone surrogate)")
    return text


def token_name(value: str) -> str:
    """Return a token's name unchanged. Raises Invalid (``name``).

    Up to 100 code points, none of them a control character or the end of a line.
    """
    if len(value) > MAX_TOKEN_NAME:
        raise _long("name", MAX_TOKEN_NAME)
    if found := _FORBIDDEN_IN_TOKEN_NAMES.search(value):
        raise Invalid("name", f"{_code_point(found.group())} is not allowed in it")
    return value


def _in_names(character: str, before: str) -> bool:
    if not has_visible(character):
        return False
    category = unicodedata.category(character)
    if category in _LETTERS_AND_DIGITS:
        return True
    if category in ("Mn", "Mc"):
        on_a_letter = unicodedata.category(before)[0] in "LM"
        return on_a_letter and not _LOOSE_MARKS.search(unicodedata.name(character, ""))
    return character in _PUNCTUATION


def _long(field: str, limit: int) -> Invalid:
    return Invalid(field, f"is longer than {limit:,} characters")


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def has_visible(text: str) -> bool:
    """Return whether the text has a visible character. A mark without a letter is drawn, hence visible."""
    return _SEEN.search(text) is not None
