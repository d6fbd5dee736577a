"""The words of a search, and the parts of words by which texts are found, for every language.

A text is folded: case, accents, vowel points and widths of letters don't count. Each word of the
folded text is cut into its grams, the three letters that begin at each of its letters (fewer at its
end): "refund" has "ref", "efu", "fun", "und", "nd" and "d". Both databases index these grams, so
that a text is found by any part of its words: of a German compound, of an Arabic word with its
article, and of Japanese, which writes no blanks between words. No extension of the database and no
rule of a language is needed for it.
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
"""The maximum number of words of a query that count; more words hardly narrow a search down."""
MARKS = (
    *((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),
    *((0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED)),
)
"""Accents of European letters and vowel points of Hebrew and Arabic, which people leave out.

The marks of other scripts, such as Thai vowels and the voicing of Japanese kana, make other words.
"""
TATWEEL = 0x0640
SAME = {0x0649: "\u064a", 0x0629: "\u0647"}
"""Arabic letters that people interchange at the end of words: alef and yeh, teh and heh."""


class _Folded(dict[int, str | int | None]):
    """A table for `str.translate` that removes accents and vowel points after a decomposition."""

    def __missing__(self, code: int) -> str | int | None:
        is_left_out = code == TATWEEL or unicodedata.category(chr(code)) == "Cf"
        is_left_out |= any(first <= code <= last for first, last in MARKS)
        self[code] = None if is_left_out else SAME.get(code, code)
        return self[code]


class _Separated(dict[int, str | int]):
    """A table for `str.translate` that turns all but letters, digits and symbols into blanks."""

    def __missing__(self, code: int) -> str | int:
        self[code] = code if unicodedata.category(chr(code))[0] in "LNMS" else " "
        return self[code]


FOLDED, SEPARATED = _Folded(), _Separated()


def fold(text: str) -> str:
    """Return a text folded for comparison: without case, accents, vowel points and widths."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", apart.translate(FOLDED))


def words_of(folded: str) -> list[str]:
    """Return the words of a folded text in their order."""
    return folded.translate(SEPARATED).split()


def grams_of(folded: str) -> list[str]:
    """Return the grams of a folded text, each once."""
    words = set(words_of(folded))
    return sorted({word[at : at + GRAM] for word in words for at in range(len(word))})


@dataclass(frozen=True)
class Query:
    """A search for texts that contain each part of a query."""

    text: str

    @cached_property
    def parts(self) -> list[str]:
        """The parts of the folded query, which blanks separate; none is only punctuation."""
        folded = fold(self.text.replace("\0", " ")[:LONGEST_QUERY])
        parts = [part for part in dict.fromkeys(folded.split()) if words_of(part)][:MOST_PARTS]
        # Nearly every text contains a single plain letter or digit.
        return [] if len(parts) == 1 and len(parts[0]) == 1 and parts[0].isascii() else parts

    @cached_property
    def grams(self) -> list[str]:
        """The grams that each matching text contains; [] if all words are shorter than a gram."""
        words = {word for part in self.parts for word in words_of(part)}
        return sorted(
            {word[at : at + GRAM] for word in words for at in range(len(word) - GRAM + 1)}
        )

    @cached_property
    def beginnings(self) -> list[str]:
        """The query's words; if all are short, a gram of a matching text begins with each word."""
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
        """The pieces in their order, each with True if it matches the search."""
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
    """Yield the places in a text that match a part of a search, without overlaps."""
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
    """Return the folded text, and for each of its characters where it stands in the text."""
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
