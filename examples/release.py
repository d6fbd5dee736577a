"""Releases of a git repository: people choose a version, edit its notes and approve its tag."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from examples.changes import (
    NONE,
    Change,
    ChangeType,
    Part,
    Version,
    VersionTag,
    check_prefix,
    drop_reverted,
    like_versions,
    probable_prefix,
    proposed_part,
    read_change,
    releases,
)
from examples.checks import Checked, run_check
from examples.git import Repository, RepositoryError, Tag, plain
from examples.notes import counted, difference, draft_notes, escaped, tidy_notes
from procedures.engine import Check, Context, SiteChoice, Step, StepFailedError, procedure

REPOSITORIES = SiteChoice("REPOSITORIES")
CHECKS = SiteChoice("CHECKS")
ADDRESS = "countersign@site"
NOBODY = "system"
NO_RELEASE = "none"
ORDER = (Part.PATCH, Part.MINOR, Part.MAJOR)
MOST_NAMED = 5
"""The maximum number of tags named in a sentence or in the evidence."""
SHORT = 10
"""The number of characters shown of a commit's hash."""


class Verdict(StrEnum):
    """The outcome of a release."""

    RELEASED = "released"
    REFUSED = "refused"
    CHECK_FAILED = "check failed"


@dataclass(frozen=True)
class Counts:
    """The number of commits of each type.

    A breaking commit is counted as breaking and in its type.
    """

    features: int
    fixes: int
    other: int
    breaking: int

    def __str__(self) -> str:
        parts = (
            _number(self.features, "feature"),
            _number(self.fixes, "fix", "fixes"),
            _number(self.other, "other commit" if self.features or self.fixes else "commit"),
        )
        breaking = f" ({self.breaking:,} breaking)" if self.breaking else ""
        return ", ".join(part for part in parts if part) + breaking


@dataclass(frozen=True)
class Candidate:
    """A possible next version."""

    part: Part
    version: str
    tag: str
    taken: str
    """The existing tag of the version that would otherwise come next; "" if there is none."""


@dataclass(frozen=True)
class History:
    """The commits to release, as they were when the run began."""

    commit: str
    """The commit that gets the tag, even if newer commits follow while the run waits."""
    since: str
    """The tag of the last release, or ""."""
    candidates: list[Candidate]
    """The versions that can come next, smallest first; none of them has a tag yet."""
    proposed: Part
    passed_over: str
    """A list of the newest tags that name no version, worded for a sentence, or ""."""
    counts: Counts
    notes: str
    """The draft of the notes, without a title."""

    def candidate(self, part: Part) -> Candidate:
        return next(one for one in self.candidates if one.part == part)


@dataclass(frozen=True)
class Report:
    """The outcome of a release, and what led to it."""

    verdict: Verdict
    reason: str
    repository: str
    commit: str
    since: str
    commits: Counts
    version: str = ""
    tag: str = ""
    notes: str = ""
    edits: str = ""
    """The reviewer's changes to the draft, as a unified diff."""
    check: Checked | None = None
    decided_by: str = ""
    comment: str = ""

    @property
    def title(self) -> str:
        return f"{self.repository} {self.version}".strip()


@procedure(
    title="Release a version",
    subject="Release a version of {repository}",
    roles={"start": "support", "answer": "finance", "operate": "operators"},
)
def release(
    ctx: Context,
    repository: Annotated[
        str, REPOSITORIES, Field(description="One of the repositories that this site allows.")
    ],
    check: Annotated[
        str,
        CHECKS,
        Field(description="The check that must pass before anybody is asked to approve."),
    ],
    prefix: Annotated[
        str,
        Check(check_prefix),
        Field(
            description="The text before the number in tags, like release-. "
            "If left empty, tags may begin with v or have no prefix."
        ),
    ] = "",
) -> Report:
    """Choose the next version, edit its release notes, have it checked and approved, and tag it.

    The commits since the last release are sorted by their conventional prefixes. From these, the
    version is proposed and the notes are drafted. Whoever starts the run chooses and edits. The
    check runs on exactly the commit that was read, in a separate folder. When finance approves, the
    annotated tag is created. Nothing is pushed, and a refusal leaves the repository as it was.
    """
    try:
        report = carry_out(ctx, repository, check, prefix)
    except StepFailedError as failure:
        ctx.notify(failure.message)
        raise
    ctx.notify(report.reason)
    return report


def carry_out(ctx: Context, repository: str, check: str, prefix: str) -> Report:
    ctx.stage("Read the history")
    history = ctx.step(read_history, repository, prefix)
    report = Report(Verdict.REFUSED, "", repository, history.commit, history.since, history.counts)
    ctx.log(f"Since {history.since or 'the beginning'}: {history.counts}.")
    ctx.stage("Choose the version")
    part = ctx.choose(
        f"Which version of {repository} comes next?",
        options(history),
        body=history.notes,
        evidence=facts(report) | passed_over(history),
        assign=f"@{ctx.started_by}",
    )
    if part.value == NO_RELEASE:
        return refused(report, "chose not to release", part.responder, part.comment)
    chosen = history.candidate(Part(part.value))
    report = replace(report, version=chosen.version, tag=chosen.tag)
    return write_and_check(ctx, report, history, check)


def write_and_check(ctx: Context, report: Report, history: History, check: str) -> Report:
    ctx.stage("Write the notes")
    draft = f"# {escaped(report.title)}\n\n{history.notes}"
    review = ctx.review(
        f"Are these the release notes of {report.title}?", draft, assign=f"@{ctx.started_by}"
    )
    if not review:
        return refused(report, "rejected the notes", review.responder, review.comment)
    notes = tidy_notes(review.value)
    if not notes:
        return refused(report, "left the notes empty", review.responder, review.comment)
    report = replace(report, notes=notes, edits=difference(draft, notes))
    if report.edits:
        tell_edits(ctx, report.edits, by=review.responder)
    ctx.stage("Check")
    checked = ctx.step(check_commit, report.repository, report.commit, check)
    report = replace(report, check=checked)
    if not checked.passed:
        reason = f"{report.title} wasn't released. {checked.sentence}\n{checked.tail}".strip()
        return replace(report, verdict=Verdict.CHECK_FAILED, reason=reason)
    return approve_and_tag(ctx, report)


def approve_and_tag(ctx: Context, report: Report) -> Report:
    ctx.stage("Approve")
    approval = ctx.approve(
        f"Release {report.title}?",
        yes=f"Release {report.version}",
        no="Do not release",
        evidence=facts(report),
    )
    if not approval:
        return refused(report, "refused the release", approval.responder, approval.comment)
    ctx.stage("Tag")
    ctx.step(create_tag, report.repository, report.tag, report.commit, report.notes, ctx.started_by)
    return replace(
        report,
        verdict=Verdict.RELEASED,
        reason=f"{report.title} was released: the tag {report.tag} is on {report.commit[:SHORT]} "
        f"and covers {report.commits}. Nothing was pushed.",
        decided_by=approval.responder,
        comment=approval.comment,
    )


# Steps


def read_history(repository: str, prefix: str) -> History:
    """Return the commits to release.

    Raises `RepositoryError` if there are no commits to release, or if the repository isn't ready
    for a release.
    """
    place = opened(repository)
    commit = place.head()
    place.check_clean()
    reached, others = releases(place.tags(reached_from=commit), prefix=prefix)
    last = reached[-1] if reached else None
    if last is None:
        check_first(place, prefix)
    since = last.tag.name if last else ""
    messages = place.messages(commit, since=last.tag.commit if last else "")
    if not messages:
        raise RepositoryError(f"There is nothing to release: there are no commits since {since}.")
    changes = [read_change(message) for message in drop_reverted(messages, place.merged_by)]
    if not changes:
        raise RepositoryError(
            f"There is nothing to release: all commits since {since or 'the beginning'} "
            "were reverted by later ones."
        )
    return History(
        commit,
        since,
        candidates(place, last, prefix),
        proposed_part(changes, last.version if last else None),
        named([tag.name for tag in others]),
        count(changes),
        draft_notes(changes),
    )


def check_first(place: Repository, prefix: str) -> None:
    """Raise `RepositoryError` if there could be releases outside the history of the commit."""
    if place.is_shallow:
        raise RepositoryError(
            f"“{place.name}” is a shallow clone that doesn't reach back to its last release. "
            "Fetch the rest with git fetch --unshallow --tags."
        )
    elsewhere, others = releases(place.tags(), prefix=prefix)
    if elsewhere:
        raise RepositoryError(
            f"“{place.name}” has the version {elsewhere[-1].tag.name}, but not in the history of "
            "the branch that is checked out. Check out the branch to release."
        )
    if names := like_versions(others, prefix=prefix):
        wanted = f"a version like {prefix or 'v'}1.2.3"
        found = probable_prefix(names)
        remedy = f"for example “{found}”" if found else "or tag the last release as v0.0.0"
        raise RepositoryError(
            f"No tag of “{place.name}” is {wanted}. Its tags include {named(names)}. "
            f"Enter their prefix when you start the run, {remedy}."
        )


def candidates(place: Repository, last: VersionTag | None, prefix: str) -> list[Candidate]:
    """Return, for each part of a version number, the next version without a tag on any branch."""
    mark, version = (last.mark, last.version) if last else (prefix or "v", NONE)
    taken = {one.version: one.tag for one in releases(place.tags(), prefix=prefix)[0]}
    return [candidate(part, version, mark, taken) for part in ORDER]


def candidate(part: Part, last: Version, mark: str, taken: Mapping[Version, Tag]) -> Candidate:
    first = version = last.raised(part)
    while version in taken:
        version = version.raised(part)
    reason = taken[first].name if first in taken else ""
    return Candidate(part, str(version), f"{mark}{version}", reason)


def check_commit(step: Step, repository: str, commit: str, check: str) -> Checked:
    command = CHECKS.value(check)
    with opened(repository).checked_out(commit) as folder:
        return run_check(check, command, folder, step)


def create_tag(repository: str, tag: str, commit: str, notes: str, started_by: str) -> bool:
    """Create the tag in the name of `started_by`; return False if this tag already exists."""
    has_name = started_by != NOBODY and any(map(str.isalnum, started_by))
    name = started_by if has_name else "release"
    return opened(repository).create_tag(tag, commit, notes, tagger=(name, ADDRESS))


def opened(repository: str) -> Repository:
    return Repository(Path(REPOSITORIES.value(repository)), repository)


def count(changes: Sequence[Change]) -> Counts:
    sorts = [change.sort for change in changes]
    breaking = sum(change.is_breaking for change in changes)
    return Counts(
        sorts.count(ChangeType.FEATURE),
        sorts.count(ChangeType.FIX),
        sorts.count(ChangeType.OTHER),
        breaking,
    )


# What people are shown


def options(history: History) -> dict[str, str]:
    """Return the labels of the versions to choose from, by part.

    The proposed version comes first.
    """
    ordered = sorted(history.candidates, key=lambda one: one.part != history.proposed)
    labels = {
        str(one.part): f"{one.version} · {one.part}"
        + (", proposed" if one.part == history.proposed else "")
        + (f" ({one.taken} is tagged elsewhere)" if one.taken else "")
        for one in ordered
    }
    return labels | {NO_RELEASE: "Do not release"}


def passed_over(history: History) -> dict[str, object]:
    return {"tags_passed_over": history.passed_over} if history.passed_over else {}


def named(names: Sequence[str]) -> str:
    """Return the newest of these names as a list for a sentence, with the number of other names."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(map(plain, reversed(names[-MOST_NAMED:]))) + more


def facts(report: Report) -> dict[str, object]:
    """Return the evidence for a question: everything that is known when the question is asked."""
    known = {
        "repository": report.repository,
        "commit": report.commit[:SHORT],
        "since": report.since or "the beginning",
        **asdict(report.commits),
    }
    if report.check:
        known |= {"version": report.version, "tag": report.tag}
        known |= {"check": report.check.sentence, "notes": report.notes}
    return known


def tell_edits(ctx: Context, edits: str, *, by: str) -> None:
    added, removed = counted(edits)
    ctx.log(edits)
    ctx.notify(f"{by} edited the notes. Lines added: {added}; removed: {removed}.")


def refused(report: Report, what: str, who: str, comment: str) -> Report:
    comment_part = f": “{comment}”" if comment else ""
    reason = (
        f"{report.title} wasn't released: {who} {what}{comment_part}. The repository is unchanged."
    )
    return replace(report, reason=reason, decided_by=who, comment=comment)


def _number(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}" if number else ""
