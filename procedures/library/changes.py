"""What has changed since a release: commits by sort, and the version they amount to."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from procedures.library.git import Message, Tag

PREFIX = re.compile(r"(?P<type>[A-Za-z]+)(\((?P<scope>[^()]*)\))?(?P<mark>!)?:\s+(?P<text>\S.*)")
BREAKING = re.compile(r"^BREAKING[ -]CHANGE:", re.MULTILINE)
VERSION = re.compile(r"(?P<mark>v?)(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})", re.ASCII)
LONGEST_SUBJECT = 200


class Sort(StrEnum):
    """What a commit is good for."""

    FEATURE = "feature"
    FIX = "fix"
    OTHER = "other"


SORTS = {"feat": Sort.FEATURE, "feature": Sort.FEATURE, "fix": Sort.FIX, "bugfix": Sort.FIX}


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
    """What stands before the number: "v" or nothing."""
    tag: Tag


def releases(tags: Iterable[Tag]) -> list[Released]:
    """The tags that name a version, the latest version last; all others are passed over."""
    found = [(VERSION.fullmatch(tag.name), tag) for tag in tags]
    named = [
        Released(Version.read(match["numbers"]), match["mark"], tag)
        for match, tag in found
        if match
    ]
    return sorted(named, key=lambda one: one.version)


def read_change(message: Message) -> Change:
    subject, _, body = message.text.strip().partition("\n")
    subject = subject.strip()[:LONGEST_SUBJECT]
    match = PREFIX.fullmatch(subject)
    sort = SORTS.get(match["type"].lower(), Sort.OTHER) if match else Sort.OTHER
    is_breaking = bool((match and match["mark"]) or BREAKING.search(body))
    if match is None or sort == Sort.OTHER:
        return Change(message.commit, Sort.OTHER, "", subject, is_breaking)
    return Change(message.commit, sort, match["scope"] or "", match["text"], is_breaking)


def proposed_part(changes: Sequence[Change], last: Version) -> Part:
    """Breaking is major, a feature minor, the rest patch; the first release is 0.1.0."""
    if last == NONE:
        return Part.MINOR
    if any(change.is_breaking for change in changes):
        return Part.MAJOR
    is_richer = any(change.sort == Sort.FEATURE for change in changes)
    return Part.MINOR if is_richer else Part.PATCH
