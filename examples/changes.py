"""The commits since a release, grouped by type, and the next version that they require."""

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from examples.git import Message, Tag

PREFIX = re.compile(r"(?P<type>[A-Za-z]+)(\((?P<scope>[^()]*)\))?(?P<mark>!)?:\s+(?P<text>\S.*)")
BULLET = re.compile(r"^[ \t]*[*+-][ \t]+(?P<subject>\S.*?)[ \t\r]*$", re.MULTILINE)
"""A pattern for a bullet in the body of a squashed commit: the subject of an original commit."""
BREAKING = re.compile(r"^[ \t]*(?:[*+-][ \t]+)?BREAKING[ -]CHANGE(?:[ \t]*:|[ \t]+#)", re.MULTILINE)
NUMBERS = r"(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})"
DIGIT = re.compile(r"\d", re.ASCII)
TAG_PREFIX = re.compile(r"[A-Za-z0-9_][\w.@/+-]*", re.ASCII)
NO_REFERENCE = ("..", "//", "/.", "./", "@{", ".lock/")
"""Character sequences that names of tags can't contain, because git forbids them."""
REVERTED = re.compile(
    r"\b(?:reverts (?:merge )?commits?|Refs:)\s+"
    r"(?P<commits>[0-9a-f]{7,64}(?:\s*,\s*[0-9a-f]{7,64})*)"
    r"(?:,\s+reversing\s+changes\s+made\s+to\s+(?P<base>[0-9a-f]{7,64}))?"
)
REVERT = re.compile(r'[Rr]evert(?:: | ")(?P<subject>.+?)"?(?: \(#\d+\))?')
HEX = re.compile(r"[0-9a-f]{7,64}")
LONGEST_SUBJECT = 200


class ChangeType(StrEnum):
    """The type of change that a commit makes."""

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
"""Commit types, besides those in `SORTS`, that are recognized in a bullet such as "- docs: …"."""
SORTS = {
    "feat": ChangeType.FEATURE,
    "feature": ChangeType.FEATURE,
    "fix": ChangeType.FIX,
    "bugfix": ChangeType.FIX,
}


RANKS = (ChangeType.OTHER, ChangeType.FIX, ChangeType.FEATURE)


class Part(StrEnum):
    """The part of a version number to increase."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"


@dataclass(frozen=True)
class Change:
    """The change that a commit makes, according to the message of the commit."""

    commit: str
    sort: ChangeType
    scope: str
    text: str
    """The subject, without the prefix that names the type."""
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
"""The version that a repository without a release counts as having."""


@dataclass(frozen=True)
class VersionTag:
    """A tag that names a version."""

    version: Version
    mark: str
    """The text before the number in the tag's name: the requested prefix, or else "v" or ""."""
    tag: Tag


def check_prefix(prefix: str) -> None:
    """Raise `ValueError` if no tag can begin with the prefix."""
    is_reference = not any(part in f"{prefix}1" for part in NO_REFERENCE)
    if prefix and not (TAG_PREFIX.fullmatch(prefix) and is_reference):
        raise ValueError(f"No tag can begin with “{prefix[:40]}”. Use for example release- or v.")


def releases(tags: Iterable[Tag], *, prefix: str = "") -> tuple[list[VersionTag], list[Tag]]:
    """Return the tags that name a version, latest version last, and the other tags.

    A version's tag begins with `prefix`, as in "release-1.4.2". Without a `prefix`, "v1.4.2" and
    "1.4.2" are both recognized.
    """
    wanted = re.compile(f"(?P<mark>{re.escape(prefix) if prefix else 'v?'}){NUMBERS}", re.ASCII)
    named, others = list[VersionTag](), list[Tag]()
    for tag in tags:
        if match := wanted.fullmatch(tag.name):
            named.append(VersionTag(Version.read(match["numbers"]), match["mark"], tag))
        else:
            others.append(tag)
    return sorted(named, key=lambda one: one.version), others


def like_versions(tags: Iterable[Tag], *, prefix: str = "") -> list[str]:
    """Return the names of the tags that begin with the prefix and contain a digit.

    Among these names may be versions in an unknown notation.
    """
    return [tag.name for tag in tags if tag.name.startswith(prefix) and DIGIT.search(tag.name)]


def probable_prefix(names: Iterable[str]) -> str:
    """Return what is before the version in the first of the names that has a prefix, or "".

    For "v1.2.3", this is "v".
    """
    found = (re.fullmatch(f"(?P<prefix>.*?){NUMBERS}", name, re.ASCII) for name in names)
    return next((match["prefix"] for match in found if match and match["prefix"]), "")


# What is left of the commits


Merged = Callable[[str, str], Collection[str]]
"""A function (merge, parent) that returns the hashes of commits that the merge has added."""


def drop_reverted(messages: Sequence[Message], merged: Merged) -> list[Message]:
    """Return the commits, newest first, without reverted commits and the commits that revert them.

    A commit that reverts an already released commit is returned like any other commit.
    """
    index = _CommitIndex(messages)
    gone: set[str] = set()
    kept = []
    for place, message in enumerate(messages):
        if message.commit in gone:
            continue
        targets = list(_targets(message, index, place, merged))
        gone.update(target for target in targets if target)
        if not targets or not all(targets):
            kept.append(message)
    return kept


class _CommitIndex:
    """An index that finds commits by the first digits of their hashes and by their subjects."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._names = sorted(message.commit for message in messages)
        self._places: dict[str, list[int]] = {}
        for place, message in enumerate(messages):
            self._places.setdefault(_subject_of(message), []).append(place)

    def with_hash(self, start: str) -> str:
        """Return the hash of the commit whose hash begins with `start`, or ""."""
        # The first name that isn't smaller than the digits is the only one that can begin with
        # them.
        place = bisect_left(self._names, start)
        found = self._names[place] if place < len(self._names) else ""
        return found if found.startswith(start) else ""

    def with_subject(self, subject: str, *, before: int) -> str:
        """Return the hash of the newest commit with this subject that is older than another, or "".

        `before` is the index of the other commit in the list, which is ordered newest first.
        """
        places = self._places.get(subject, [])
        index = bisect_left(places, before + 1)
        return self._messages[places[index]].commit if index < len(places) else ""


def _targets(message: Message, index: _CommitIndex, place: int, merged: Merged) -> Iterator[str]:
    """Yield the hash of each commit that a message reverts.

    For a commit that isn't in the index, "" is yielded.
    """
    found = list(REVERTED.finditer(message.text))
    revert = REVERT.fullmatch(_subject_of(message))
    if not revert and not any("revert" in match[0] for match in found):
        return  # a footer that only refers to another commit
    names = [name for match in found for name in HEX.findall(match["commits"])]
    if not names and revert:
        yield index.with_subject(revert["subject"], before=place)
    for match in found:
        for name in HEX.findall(match["commits"]):
            if match["base"]:
                yield from [index.with_hash(one) for one in merged(name, match["base"])] or [""]
            elif target := index.with_hash(name):
                yield target
            else:  # the commit was rebased since
                yield index.with_subject(revert["subject"], before=place) if revert else ""


def _subject_of(message: Message) -> str:
    return message.text.strip().partition("\n")[0].strip()


# What each commit amounts to


def read_change(message: Message) -> Change:
    """Return the change that a commit makes.

    It is read from the subject of the commit's message. If the subject doesn't tell, it is read
    from the bullets in the body, which a squashed commit has.
    """
    subject, body = _subject_of(message)[:LONGEST_SUBJECT], message.text.partition("\n")[2]
    match = PREFIX.fullmatch(subject)
    inner = list(_bullets(body))
    is_breaking = any(one["mark"] for one in (match, *inner) if one) or bool(BREAKING.search(body))
    sort = (
        _sort(match) if match else max(map(_sort, inner), key=RANKS.index, default=ChangeType.OTHER)
    )
    if match is None or sort == ChangeType.OTHER:
        return Change(message.commit, sort, "", subject, is_breaking)
    return Change(message.commit, sort, match["scope"] or "", match["text"], is_breaking)


def _bullets(body: str) -> Iterator[re.Match[str]]:
    for bullet in BULLET.finditer(body):
        match = PREFIX.fullmatch(bullet["subject"][:LONGEST_SUBJECT])
        if match and match["type"].lower() in CONVENTIONAL | SORTS.keys():
            yield match


def _sort(match: re.Match[str]) -> ChangeType:
    return SORTS.get(match["type"].lower(), ChangeType.OTHER)


def proposed_part(changes: Sequence[Change], last: Version | None) -> Part:
    """Return the part of the version number to increase after these changes.

    This is the major part after breaking changes, the minor part after features, and otherwise the
    patch. Without a `last` version, it is the minor part, so that the first release is 0.1.0.
    """
    if last is None:
        return Part.MINOR
    if any(change.is_breaking for change in changes):
        return Part.MAJOR
    is_richer = any(change.sort == ChangeType.FEATURE for change in changes)
    return Part.MINOR if is_richer else Part.PATCH
