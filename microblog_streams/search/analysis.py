"""Text analysis: which terms of a text can be searched for, and where in the text each of them is.

The application analyses, and the engine splits the result at spaces. So every engine and version finds the same posts,
none needs a plug-in, and highlights come from the same code.

- A word is letters, digits and marks of one run, folded: lower case, without accents, ``ﬁ`` as ``fi`` (Unicode NFKD).
- Scripts that are written without spaces (Chinese, Japanese, Thai ...) give bigrams, two neighbouring letters each, as
  Lucene's CJK analyzer does. The last letter of a run is a term of its own, so each letter begins exactly one term.
- An emoji is a term, whatever its skin tone.
- Hashtags and @names are exact tokens, beside the words that they consist of.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import regex

from microblog_streams.operations.validation import name_key

#: Code points of the longest term; the rest of a longer word counts for nothing. Engines cut at 255.
MAX_TERM: Final = 100

_UNSPACED: Final = (
    r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}"
    r"\p{Script=Khmer}\p{Script=Myanmar}"
)
_EMOJI: Final = (
    r"\p{Regional_Indicator}{2}"
    r"|\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]*"
    r"(?:\u200D\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]*)*"
)
#: One alternative for each kind of token; the name of the group is the kind.
_TOKENS: Final = regex.compile(
    rf"(?P<run>[[{_UNSPACED}]&&[\p{{L}}\p{{N}}]][[{_UNSPACED}ー]&&[\p{{L}}\p{{N}}\p{{M}}]]*)"
    rf"|(?P<word>[[\p{{L}}\p{{N}}_]--[{_UNSPACED}]][[\p{{L}}\p{{N}}\p{{M}}_]--[[{_UNSPACED}]&&[\p{{L}}\p{{N}}]]]*)"
    rf"|(?P<emoji>{_EMOJI})",
    regex.V1,
)
#: What ``_TOKENS`` finds in ASCII, eight times as fast: most texts are that, and the indexer is bound by this.
_ASCII_WORDS: Final = re.compile(rf"(\w{{1,{MAX_TERM}}})\w*", re.ASCII)
#: A letter with its marks: the unit of a bigram.
_LETTERS: Final = regex.compile(r"\P{M}\p{M}*")
_ONE_LETTER: Final = regex.compile(rf"[{_UNSPACED}]\p{{M}}*", regex.V1)
#: Both widths of # and @.
HASHES, ATS = "#\uff03", "@\uff20"
_TAG: Final = regex.compile(r"(?<![\p{L}\p{N}\p{M}_#])[#\uFF03]([\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*)")
_NAME: Final = regex.compile(r"(?<![\p{L}\p{N}\p{M}_@.-])[@\uFF20]([\p{L}\p{N}_][\p{L}\p{N}\p{M}_.-]*)")
#: Marks that only refine a letter: accents, and the vowel points of Hebrew and Arabic. Those of other scripts are
#: letters to their readers.
_ACCENTS: Final = regex.compile(r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
_EMOJI_VARIANTS: Final = regex.compile(r"[\uFE0F\p{Emoji_Modifier}]")
_SPACES: Final = regex.compile(r"\s+")


class Token(NamedTuple):
    """A term, and its place in the text: code points from ``start`` up to ``end``, exclusive."""

    term: str
    start: int
    end: int


class Terms(NamedTuple):
    """What of a post can be searched for."""

    #: In the order of the text, for phrases.
    words: Sequence[str]
    tags: Sequence[str]
    #: Keys of the names that are mentioned (``validation.name_key``).
    mentions: Sequence[str]


def analyse(text: str) -> Terms:
    """Return a post's terms."""
    words = _ASCII_WORDS.findall(text.lower()) if text.isascii() else [token.term for token in tokens(text)]
    return Terms(words, _distinct(tags(text)), _distinct(mentions(text)))


def tokens(text: str) -> Iterator[Token]:
    """Yield the words, bigrams and emoji of a text, in order."""
    for match in _TOKENS.finditer(text):
        start, end = match.span()
        match match.lastgroup:
            case "run":
                yield from _bigrams(match.group(), start)
            case "emoji":
                yield Token(_EMOJI_VARIANTS.sub("", match.group()), start, end)
            case _:
                if term := fold(match.group()):
                    yield Token(term, start, end)


def tags(text: str) -> Iterator[Token]:
    """Yield the hashtags of a text, folded, without ``#``; one of digits alone is a number."""
    for match in _TAG.finditer(text):
        if not match.group(1).isdigit() and (tag := fold(match.group(1))):
            yield Token(tag, *match.span())


def mentions(text: str) -> Iterator[Token]:
    """Yield the @names of a text, as keys. A dot or dash at the end belongs to the sentence."""
    for match in _NAME.finditer(text):
        name = match.group(1).rstrip(".-")
        yield Token(name_key(name)[:MAX_TERM], match.start(), match.start() + 1 + len(name))


@lru_cache(20_000)
def fold(word: str) -> str:
    """Return the form of a word by which it is found, without spaces; empty where nothing is left of it."""
    if word.isascii():
        return word[:MAX_TERM].lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word[:MAX_TERM]).casefold())
    plain: str = _SPACES.sub("", _ACCENTS.sub("", apart))
    return unicodedata.normalize("NFC", plain)[:MAX_TERM]


def _bigrams(run: str, offset: int) -> Iterator[Token]:
    letters = [(fold(match.group()), *match.span()) for match in _LETTERS.finditer(run)]
    for (first, start, _), (second, _, end) in pairwise(letters):
        yield Token(first + second, offset + start, offset + end)
    last, start, end = letters[-1]
    yield Token(last, offset + start, offset + end)


def is_single_letter(term: str) -> bool:
    """Return whether a term of a query is one letter of an unspaced script: it matches all terms that begin with it."""
    return _ONE_LETTER.fullmatch(term) is not None


def _distinct(found: Iterator[Token]) -> list[str]:
    return list(dict.fromkeys(token.term for token in found))
