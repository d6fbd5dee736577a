"""What has changed since a release: commits by sort, and the version they amount to."""

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from examples.git import Message, Tag

PREFIX = re.compile(r"(?P<type>[A-Za-z]+)(\((?P<scope>[^()]*)\))?(?P<mark>!)?:\s+(?P<text>\S.*)")
BULLET = re.compile(r"^[ \t]*[*+-][ \t]+(?P<subject>\S.*?)[ \t\r]*$", re.MULTILINE)
"""A line of the list that a squashed branch leaves in the body: the subjects of its commits."""
BREAKING = re.compile(r"^[ \t]*(?:[*+-][ \t]+)?BREAKING[ -]CHANGE(?:[ \t]*:|[ \t]+#)", re.MULTILINE)
NUMBERS = r"(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})"
DIGIT = re.compile(r"\d", re.ASCII)
TAG_PREFIX = re.compile(r"[A-Za-z0-9_][\w.@/+-]*", re.ASCII)
NO_REFERENCE = ("..", "//", "/.", "./", "@{", ".lock/")
"""What git allows in no name of a tag."""
REVERTED = re.compile(
    r"\b(?:reverts (?:merge )?commits?|Refs:)\s+"
    r"(?P<commits>[0-9a-f]{7,64}(?:\s*,\s*[0-9a-f]{7,64})*)"
    r"(?:,\s+reversing\s+changes\s+made\s+to\s+(?P<base>[0-9a-f]{7,64}))?"
)
REVERT = re.compile(r'[Rr]evert(?:: | ")(?P<subject>.+?)"?(?: \(#\d+\))?')
HEX = re.compile(r"[0-9a-f]{7,64}")
LONGEST_SUBJECT = 200


class Sort(StrEnum):
    """What a commit is good for."""

    FEATURE = "feature"
    FIX = "fix"
    OTHER = "other"


CONVENTIONAL = {
    "build",
    "chore",
    "ci",
    "deps",
    "docs",
    "perf",
    "refactor",
    "revert",
    "style",
    "test",
}
"""Types that only a conventional subject has; a bullet may begin with any word and a colon."""
SORTS = {"feat": Sort.FEATURE, "feature": Sort.FEATURE, "fix": Sort.FIX, "bugfix": Sort.FIX}


RANKS = (Sort.OTHER, Sort.FIX, Sort.FEATURE)


class Part(StrEnum):
    """Which of a version's numbers goes up."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"


@dataclass(frozen=True)
class Change:
    """A commit as its message tells it."""

    commit: str
    sort: Sort
    scope: str
    text: str
    """The subject, without the prefix that said the sort."""
    is_breaking: bool


@dataclass(frozen=True, order=True)
class Version:
    """A version like 1.4.2."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(*map(int, text.split(".")))

    def raised(self, part: Part) -> "Version":
        match part:
            case Part.MAJOR:
                return Version(self.major + 1, 0, 0)
            case Part.MINOR:
                return Version(self.major, self.minor + 1, 0)
            case Part.PATCH:
                return Version(self.major, self.minor, self.patch + 1)


NONE = Version(0, 0, 0)
"""Before the first release."""


@dataclass(frozen=True)
class Released:
    """A tag that names a version."""

    version: Version
    mark: str
    """What stands before the number: the prefix that was asked for, else "v" or nothing."""
    tag: Tag


def check_prefix(prefix: str) -> None:
    """ValueError when no tag can begin so."""
    is_reference = not any(part in f"{prefix}1" for part in NO_REFERENCE)
    if prefix and not (TAG_PREFIX.fullmatch(prefix) and is_reference):
        raise ValueError(f"No tag can begin with “{prefix[:40]}”: write for example release- or v.")


def releases(tags: Iterable[Tag], *, prefix: str = "") -> tuple[list[Released], list[Tag]]:
    """The tags that name a version, the latest version last; and those that are passed over.

    Without a `prefix` versions begin with "v" or with nothing.
    """
    wanted = re.compile(f"(?P<mark>{re.escape(prefix) if prefix else 'v?'}){NUMBERS}", re.ASCII)
    named, others = list[Released](), list[Tag]()
    for tag in tags:
        if match := wanted.fullmatch(tag.name):
            named.append(Released(Version.read(match["numbers"]), match["mark"], tag))
        else:
            others.append(tag)
    return sorted(named, key=lambda one: one.version), others


def like_versions(tags: Iterable[Tag], *, prefix: str = "") -> list[str]:
    """The names of those tags that may well be versions, though they are not written as such."""
    return [tag.name for tag in tags if tag.name.startswith(prefix) and DIGIT.search(tag.name)]


def probable_prefix(names: Iterable[str]) -> str:
    """What stands before the numbers of the first name that has three of them."""
    found = (re.fullmatch(f"(?P<prefix>.*?){NUMBERS}", name, re.ASCII) for name in names)
    return next((match["prefix"] for match in found if match and match["prefix"]), "")


# What is left of the commits


Merged = Callable[[str, str], Collection[str]]
"""The commits that a merge has brought onto its first parent."""


def standing(messages: Sequence[Message], merged: Merged) -> list[Message]:
    """The commits, newest first, without those that a later one takes back, and without that one.

    A revert of what was released before is a change like any other.
    """
    older = _Older(messages)
    gone: set[str] = set()
    kept = []
    for place, message in enumerate(messages):
        if message.commit in gone:
            continue
        targets = list(_targets(message, older, place, merged))
        gone.update(target for target in targets if target)
        if not targets or not all(targets):
            kept.append(message)
    return kept


class _Older:
    """Finds commits by the beginning of their name, or by their subject."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._names = sorted(message.commit for message in messages)
        self._places: dict[str, list[int]] = {}
        for place, message in enumerate(messages):
            self._places.setdefault(_subject_of(message), []).append(place)

    def named(self, start: str) -> str:
        """The commit whose name begins so; "" when there is none."""
        place = bisect_left(self._names, start)
        found = self._names[place] if place < len(self._names) else ""
        return found if found.startswith(start) else ""

    def with_subject(self, subject: str, *, before: int) -> str:
        """The newest commit of that subject that is older than the one at that place."""
        places = self._places.get(subject, [])
        index = bisect_left(places, before + 1)
        return self._messages[places[index]].commit if index < len(places) else ""


def _targets(message: Message, older: _Older, place: int, merged: Merged) -> Iterator[str]:
    """What the commit takes back; "" for each that is not among the messages."""
    found = list(REVERTED.finditer(message.text))
    revert = REVERT.fullmatch(_subject_of(message))
    if not revert and not any("revert" in match[0] for match in found):
        return  # a footer that only refers to another commit
    names = [name for match in found for name in HEX.findall(match["commits"])]
    if not names and revert:
        yield older.with_subject(revert["subject"], before=place)
    for match in found:
        for name in HEX.findall(match["commits"]):
            if match["base"]:
                yield from [older.named(one) for one in merged(name, match["base"])] or [""]
            elif target := older.named(name):
                yield target
            else:  # it was rebased since
                yield older.with_subject(revert["subject"], before=place) if revert else ""


def _subject_of(message: Message) -> str:
    return message.text.strip().partition("\n")[0].strip()


# What each commit amounts to


def read_change(message: Message) -> Change:
    """The commit by its subject; a squashed one by the list in its body, too."""
    subject, body = _subject_of(message)[:LONGEST_SUBJECT], message.text.partition("\n")[2]
    match = PREFIX.fullmatch(subject)
    inner = list(_bullets(body))
    is_breaking = any(one["mark"] for one in (match, *inner) if one) or bool(BREAKING.search(body))
    sort = _sort(match) if match else max(map(_sort, inner), key=RANKS.index, default=Sort.OTHER)
    if match is None or sort == Sort.OTHER:
        return Change(message.commit, sort, "", subject, is_breaking)
    return Change(message.commit, sort, match["scope"] or "", match["text"], is_breaking)


def _bullets(body: str) -> Iterator[re.Match[str]]:
    for bullet in BULLET.finditer(body):
        match = PREFIX.fullmatch(bullet["subject"][:LONGEST_SUBJECT])
        if match and match["type"].lower() in CONVENTIONAL | SORTS.keys():
            yield match


def _sort(match: re.Match[str]) -> Sort:
    return SORTS.get(match["type"].lower(), Sort.OTHER)


def proposed_part(changes: Sequence[Change], last: Version | None) -> Part:
    """Breaking is major, a feature minor, the rest patch; the first release is 0.1.0."""
    if last is None:
        return Part.MINOR
    if any(change.is_breaking for change in changes):
        return Part.MAJOR
    is_richer = any(change.sort == Sort.FEATURE for change in changes)
    return Part.MINOR if is_richer else Part.PATCH
