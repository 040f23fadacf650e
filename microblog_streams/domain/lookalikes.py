"""The skeleton of a username (UTS #39): two names that look alike have the same one.

Letters of different scripts share glyphs: Cyrillic U+0430 and Latin ``a``, Greek U+03BF and ``o``. Each confusable
letter is replaced by one that stands for all of its group. Within one script nothing is replaced: ``modern`` and
``modem`` remain different names, as do an i with and without its dot.

The table is Unicode's confusables.txt from the package ``confusable-homoglyphs``. Only the package's data is used: its
code lets an environment variable name another table.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Final

#: The package puts this mark around letters of right-to-left scripts.
_DIRECTION: Final = "\u200e"


def look(name: str) -> str:
    """Return a name's skeleton; for ASCII it is the name in lower case.

    ``name`` is the name as it is shown, because capital letters may look alike where small ones do not.
    """
    if name.isascii():
        return name.lower()
    # NFKC makes other letters of some, which may be confusable too; and some that are confusable it would hide.
    composed = unicodedata.normalize("NFKC", _replaced(name))
    return unicodedata.normalize("NFC", _replaced(composed)).casefold()


def _replaced(text: str) -> str:
    return "".join(_REPLACEMENT.get(letter, letter) for letter in unicodedata.normalize("NFD", text))


def _table() -> dict[str, str]:
    """Return the replacement of each letter that looks like one of another script."""
    text = (files("confusable_homoglyphs") / "confusables.json").read_text("utf-8")
    groups = {_plain(one): {_plain(other["c"]) for other in others} for one, others in json.loads(text).items()}
    found = {}
    for letter in groups:
        if len(letter) == 1 and not letter.isascii() and unicodedata.category(letter)[0] in "LN":
            standard = _standard(letter, _group(letter, groups))
            if _script(standard) != _script(letter):
                found[letter] = standard
    return found


def _group(letter: str, groups: Mapping[str, set[str]]) -> set[str]:
    """Return all that look like a letter. The table lists a group under one of its members."""
    return {letter}.union(groups[letter], *(groups.get(other, ()) for other in groups[letter]))


def _standard(letter: str, group: Iterable[str]) -> str:
    """Return a group's ASCII letter or digit, of the same case if possible, else its first letter.

    For a letter without case, a small letter goes before a capital, and both before a digit.
    """
    single = sorted(each for each in group if len(each) == 1 and (not each.isascii() or each.isalnum()))
    category = unicodedata.category(letter)

    def rank(each: str) -> tuple[bool, bool, bool, bool]:
        same = unicodedata.category(each) == category
        return not each.isascii(), each.isascii() and not same, each.isdigit(), not each.islower()

    return min(single, key=rank)


def _plain(text: str) -> str:
    return text.replace(_DIRECTION, "")


def _script(letter: str) -> str:
    """Return the script of a letter, which is the first word of its Unicode name."""
    return unicodedata.name(letter, "").partition(" ")[0]


_REPLACEMENT: Final = _table()
