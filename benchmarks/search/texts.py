"""Posts as people write them, near enough for an index: how often words are used, and how long texts are.

Words are made up of syllables, and the word of rank r is drawn with the chance 1 / (r + 2.7): the law of Zipf and
Mandelbrot with the exponent 1, as natural languages have it. A text has 14 words in the middle (log-normal, sigma 0.6;
at most 60), some 90 characters. One in five has a hashtag (also by Zipf, of 20,000), one in five mentions a user, one
in twenty is Japanese, one in ten ends with an emoji.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

SEED: Final = 2003
WORDS, TAGS, USERS = 100_000, 20_000, 50_000
#: Of a text's number of words.
_MEDIAN, _SIGMA, _MAX_WORDS = 14, 0.6, 60
_ONSETS: Final = (
    "b",
    "br",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
)
_VOWELS: Final = ("a", "e", "i", "o", "u", "ai", "ee", "ou")
_CODAS: Final = ("", "", "n", "r", "s", "t", "l", "nd")
_KANA: Final = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
_KANJI: Final = "日本人大年中会時出上生国分行今一東京学猫雨花空海山川食見聞話書読心手足目口耳"
_EMOJI: Final = "😀😂👍🎉🔥🌸🐈🍵🚀✨"


@dataclass
class Writer:
    """Draws texts; those of one seed are the same each time."""

    seed: int = SEED
    words: Sequence[str] = field(init=False)
    tags: Sequence[str] = field(init=False)
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        """Make the vocabulary."""
        self.chance = random.Random(self.seed)  # noqa: S311 - can be repeated, no secret
        vocabulary = random.Random(SEED)  # noqa: S311 - the same for every writer
        self.words = _distinct(vocabulary, WORDS)
        self.tags = _distinct(vocabulary, TAGS)
        self.names = [f"{name}_{number}" for number, name in enumerate(_distinct(vocabulary, USERS), 1)]
        self.word_weights, self._tag_weights = _zipf(WORDS), _zipf(TAGS)
        self._user_weights = _zipf(USERS)

    def text(self) -> str:
        """Return a post's text."""
        chance = self.chance
        if chance.random() < 0.05:
            return self._japanese()
        count = min(_MAX_WORDS, max(1, round(chance.lognormvariate(0, _SIGMA) * _MEDIAN)))
        parts = chance.choices(self.words, cum_weights=self.word_weights, k=count)
        parts[0] = parts[0].capitalize()
        if chance.random() < 0.2:
            parts.append(f"#{self.tag()}")
        if chance.random() < 0.2:
            parts.insert(0, f"@{chance.choice(self.names)}")
        if chance.random() < 0.1:
            parts.append(chance.choice(_EMOJI))
        return " ".join(parts)

    def tag(self) -> str:
        """Return a hashtag, without its #."""
        return self.chance.choices(self.tags, cum_weights=self._tag_weights)[0]

    def author(self) -> int:
        """Return a user: from 1 up to ``USERS``, the first of whom write most."""
        return self.chance.choices(range(1, USERS + 1), cum_weights=self._user_weights)[0]

    def _japanese(self) -> str:
        letters = self.chance.choices(_KANA + 2 * _KANJI, k=self.chance.randrange(8, 40))
        return "".join(letters) + "。"


def _zipf(count: int) -> list[float]:
    return list(accumulate(1 / (rank + 2.7) for rank in range(1, count + 1)))


def _distinct(chance: random.Random, count: int) -> list[str]:
    """Return made-up words, roughly the shorter ones first, as frequent words are."""
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = 1 + min(3, int(3.2 * len(found) / count + chance.random()))
        word = "".join(
            chance.choice(_ONSETS) + chance.choice(_VOWELS) + chance.choice(_CODAS) for _ in range(syllables)
        )
        found[word] = None
    return list(found)
