"""The rights of the people who hold open sockets, read for all of them together."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from dashboard.live.credentials import Credential, Credentials, Holders
from dashboard.live.streams import OF_RUNS, Head, Stream, heads
from dashboard.live.views import WHOLE, View, readers_of, runs_in
from procedures.viewers import Key, People, who_sees

Asked = Mapping[Credential, set[Stream]]
"""The streams that clients want to follow, by the credentials of their sockets."""
Pair = tuple[Key, Stream]


@dataclass(slots=True)
class Answer:
    """The users who hold the credentials, their views of streams, and the heads of streams."""

    asked_at: float
    """The time on the monotonic clock just before the database was read."""
    asked: set[Credential]
    holders: Holders = field(default_factory=Holders)
    views: dict[Pair, View] = field(default_factory=dict)
    heads: dict[Stream, Head] = field(default_factory=dict)


def ask(credentials: Credentials, asked: Asked, *, new: Iterable[Stream] = ()) -> Answer:
    """Return who holds the credentials, what each user may see, and the heads of new streams.

    `new` are streams that somebody wants to follow from now on.
    """
    answer = Answer(time.monotonic(), set(asked))
    if not asked:
        return answer
    answer.holders = credentials.read(answer.asked)
    users = answer.holders.users
    wanted: dict[Stream, set[Key]] = defaultdict(set)
    for credential, user in users.items():
        for stream in asked[credential]:
            wanted[stream].add(user.pk)
    people = People(users.values())
    answer.views = views_for(people, wanted, at=answer.asked_at)
    # Heads are read after the rights: a stream that has been deleted has no head, and is denied.
    answer.heads = heads(new)
    return answer


def views_for(
    people: People, wanted: Mapping[Stream, set[Key]], *, at: float = 0.0
) -> dict[Pair, View]:
    """Return what each person may see of each stream.

    The keys are pairs of a person and a stream. A pair is missing if the person has no access to
    the stream.
    """
    sessions = {one.key: keys for one, keys in wanted.items() if one.kind == "session"}
    runs: dict[UUID, set[Key]] = defaultdict(set)
    for stream, keys in wanted.items():
        if stream.kind in OF_RUNS:  # two streams of one run, which other people may follow
            runs[stream.key] |= keys
    whole = readers_of(people, sessions)
    parts = {(key, one) for one, keys in sessions.items() for key in keys & people.users.keys()}
    parts -= whole.keys()
    concerned_runs = runs_in(session for _, session in parts)
    for key, session in parts:
        for run in concerned_runs[session]:
            runs[run].add(key)
    seen = who_sees(people, runs)
    found = {(key, Stream("session", session)): view for (key, session), view in whole.items()}
    found |= dict.fromkeys(_whole_streams(wanted, seen), WHOLE)
    for key, session in parts:
        view = _part(key, concerned_runs[session], seen, at)
        if view.runs:
            found[key, Stream("session", session)] = view
    return found


def _whole_streams(
    wanted: Mapping[Stream, set[Key]], seen: Mapping[UUID, set[Key]]
) -> Iterator[Pair]:
    """Yield the pairs of a person and a stream to which the person has access.

    Streams of sessions aren't included, because a person may see only a part of them.
    """
    for stream, keys in wanted.items():
        if stream.is_doorbell:
            yield from ((key, stream) for key in keys)
        elif stream.kind in OF_RUNS:
            yield from ((key, stream) for key in keys & seen.get(stream.key, set()))


def _part(key: Key, concerned_runs: set[UUID], seen: Mapping[UUID, set[Key]], at: float) -> View:
    runs = frozenset(run for run in concerned_runs if key in seen.get(run, ()))
    return View(key, runs=runs, hidden=frozenset(concerned_runs) - runs, asked_at=at)
