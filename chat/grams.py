"""The words of a search, and the grams by which the search finds texts in every language.

A text is folded before it is compared: upper and lower case, accents, vowel points and the widths
of letters make no difference. Each word of the folded text is cut into grams. A gram begins at each
letter of the word and has three letters, or fewer at the end of the word: the grams of "refund" are
"ref", "efu", "fun", "und", "nd" and "d". Both databases index the grams. So a search finds a text
by any part of its words, for example by a part of a German compound, by an Arabic word without its
article, or by a word in Japanese, which has no blanks between words. The search needs no extension
of the database and no rules of any language.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

GRAM = 3
LONGEST_QUERY = 200
MOST_PARTS = 12
"""The maximum number of words of a query that are searched for; further words are ignored.

Further words would hardly make the results fewer.
"""
MARKS = (
    *((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),
    *((0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED)),
)
"""The ranges of characters that make no difference to a search, because people often omit them.

They are the accents of European letters, and the vowel points of Hebrew and Arabic. The marks of
other scripts, such as Thai vowels and the voicing of Japanese kana, make a different word.
"""
TATWEEL = 0x0640
SAME = {0x0649: "\u064a", 0x0629: "\u0647"}
"""Arabic letters that people confuse at the end of words, each with the letter that replaces it.

Alef maksura becomes yeh, and teh marbuta becomes heh.
"""


class _Folded(dict[int, str | int | None]):
    """A table for `str.translate` that removes accents and vowel points from a decomposed text."""

    def __missing__(self, code: int) -> str | int | None:
        is_left_out = code == TATWEEL or unicodedata.category(chr(code)) == "Cf"
        is_left_out |= any(first <= code <= last for first, last in MARKS)
        self[code] = None if is_left_out else SAME.get(code, code)
        return self[code]


class _Separated(dict[int, str | int]):
    """A table for `str.translate` that replaces each punctuation or control character by a blank.

    Letters, digits, marks and symbols such as "€" stay.
    """

    def __missing__(self, code: int) -> str | int:
        self[code] = code if unicodedata.category(chr(code))[0] in "LNMS" else " "
        return self[code]


FOLDED, SEPARATED = _Folded(), _Separated()


def fold(text: str) -> str:
    """Return a text folded for comparison: in lower case, without accents and vowel points.

    Wide and narrow forms of a letter become the same letter.
    """
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", apart.translate(FOLDED))


def words_of(folded: str) -> list[str]:
    """Return the words of a folded text, in the order of the text."""
    return folded.translate(SEPARATED).split()


def grams_of(folded: str) -> list[str]:
    """Return the grams of a folded text, sorted and without duplicates."""
    words = set(words_of(folded))
    return sorted({word[at : at + GRAM] for word in words for at in range(len(word))})


@dataclass(frozen=True)
class Query:
    """A search: a text matches if the text contains every part of the query."""

    text: str

    @cached_property
    def parts(self) -> list[str]:
        """The parts of the folded query, which was split at blanks; a part may contain punctuation.

        Parts that consist only of punctuation are left out. The list is empty if the whole query is
        a single ASCII letter or digit, which nearly every text contains.
        """
        folded = fold(self.text.replace("\0", " ")[:LONGEST_QUERY])
        parts = [part for part in dict.fromkeys(folded.split()) if words_of(part)][:MOST_PARTS]
        # Nearly every text contains a single plain letter or digit.
        return [] if len(parts) == 1 and len(parts[0]) == 1 and parts[0].isascii() else parts

    @cached_property
    def grams(self) -> list[str]:
        """The grams that every matching text contains; [] if no word has three letters or more."""
        words = {word for part in self.parts for word in words_of(part)}
        return sorted(
            {word[at : at + GRAM] for word in words for at in range(len(word) - GRAM + 1)}
        )

    @cached_property
    def beginnings(self) -> list[str]:
        """The words of the query, for a search for words that are too short to be grams.

        In a matching text, each of these words is the beginning of some gram.
        """
        return sorted({word for part in self.parts for word in words_of(part)})

    def __bool__(self) -> bool:
        return bool(self.parts)


class Snippet:
    """A part of a text around the first match, split into pieces that match or don't match."""

    def __init__(self, text: str, query: Query, *, longest: int) -> None:
        self._text, self._longest = " ".join(text.split()), longest
        self._places = list(places_of(self._text, query))

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The pieces in the order of the text, each with True if the piece matches the search."""
        start, end = self._window()
        pieces, at = [("…", False)] if start else [], start
        for first, last in self._places:
            if first >= at and last <= end:
                pieces += [(self._text[at:first], False), (self._text[first:last], True)]
                at = last
        pieces.append((self._text[at:end], False))
        pieces += [("…", False)] if end < len(self._text) else []
        return [(piece, is_match) for piece, is_match in pieces if piece]

    def _window(self) -> tuple[int, int]:
        first = self._places[0][0] if self._places else 0
        start = max(first - self._longest // 3, 0) if first > self._longest // 2 else 0
        if start and (blank := re.search(r"\s", self._text[start:first])):
            start += blank.end()
        return start, min(start + self._longest, len(self._text))


def places_of(text: str, query: Query) -> Iterator[tuple[int, int]]:
    """Yield the start and end offsets of each match of a part of the query in the text.

    The matches don't overlap.
    """
    folded, origins = _folded_with_origins(text)
    longest_first = sorted(query.parts, key=len, reverse=True)
    found = re.finditer("|".join(map(re.escape, longest_first)), folded) if longest_first else ()
    at = 0
    for match in found:
        first, last = origins[match.start()][0], origins[match.end() - 1][1]
        if first >= at:
            yield first, last
            at = last


def _folded_with_origins(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the folded text and, for each folded character, its origin in the unfolded text.

    An origin is a pair of offsets: the start and the end of the letter, with its marks, from which
    the folded character was made.
    """
    if text.isascii():
        return text.lower(), [(at, at + 1) for at in range(len(text))]
    folded, origins = list[str](), list[tuple[int, int]]()
    starts = [at for at, one in enumerate(text) if not at or not unicodedata.combining(one)]
    # A letter is folded together with the marks that follow it, because they may become one
    # character.
    for start, end in pairwise([*starts, len(text)]):
        own = _fold_letter(text[start:end])
        folded.append(own)
        origins += [(start, end)] * len(own)
    return "".join(folded), origins


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    return fold(letter)
