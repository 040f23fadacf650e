"""What a name looks like, so that none is given away that is taken for somebody else's (UTS #39).

Letters of different scripts share their glyphs: U+0430 of Cyrillic and the ``a`` of Latin, U+03BF of Greek and the
``o``. Each is put in place of the one that all of its kind stand for, so two names look alike where this gives the
same. Within a script nothing is changed: ``modern`` and ``modem`` are two people's, and an i with its dot and one
without.

The table is Unicode's confusables.txt as the package ``confusable-homoglyphs`` has it. Its data is read and its code is
not: that lets an environment variable name another table.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Final

#: Written by the package around letters of right-to-left scripts, and no part of them.
_DIRECTION: Final = "\u200e"


def look(name: str) -> str:
    """Return what names are compared by that are written with different letters; of ASCII alone, its lower case.

    Taken from a name as it is shown: capital letters may look alike where small ones do not.
    """
    if name.isascii():
        return name.lower()
    letters = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    return unicodedata.normalize("NFC", "".join(_STANDS_FOR.get(letter, letter) for letter in letters)).casefold()


def _table() -> dict[str, str]:
    """Return what stands for each letter that is taken for one of another script."""
    text = (files("confusable_homoglyphs") / "confusables.json").read_text("utf-8")
    alike = {_plain(one): {_plain(other["c"]) for other in others} for one, others in json.loads(text).items()}
    found = {}
    for letter in alike:
        if len(letter) == 1 and not letter.isascii() and unicodedata.category(letter)[0] in "LN":
            standard = _standard(letter, _all_alike(letter, alike))
            if _script(standard) != _script(letter):
                found[letter] = standard
    return found


def _all_alike(letter: str, alike: Mapping[str, set[str]]) -> set[str]:
    """Return whatever looks like a letter. The table names one for each kind, and the others by that one."""
    return {letter}.union(alike[letter], *(alike.get(other, ()) for other in alike[letter]))


def _standard(letter: str, kind: Iterable[str]) -> str:
    """Return the ASCII letter or digit of a kind, the same in case if there is one; or else its first letter."""
    single = sorted(each for each in kind if len(each) == 1 and (not each.isascii() or each.isalnum()))
    category = unicodedata.category(letter)
    return min(single, key=lambda each: (not each.isascii(), each.isascii() and unicodedata.category(each) != category))


def _plain(text: str) -> str:
    return text.replace(_DIRECTION, "")


def _script(letter: str) -> str:
    """Return the first word of a letter's name, which is its script."""
    return unicodedata.name(letter, "").partition(" ")[0]


_STANDS_FOR: Final = _table()
