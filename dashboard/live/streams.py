"""The streams that can be followed, who may follow them, and their heads in the database.

- `session:<id>`: the numbered changes of a session; a frame shows the object as it is now.
- `run:<id>`: the journal of a run.
- `text:<id>`: what the running steps of a run write; it has no numbers (see `texts`).
- `inbox`: no changes of its own (see `bells`); a frame tells a page to read its requests again.
- `chat`: no changes of its own (see `bells`); a frame says in how many sessions something is new.
- `runs`: no changes of its own (see `bells`); a frame tells a page to read its runs again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, Sum

from chat.models import Session
from dashboard.live.views import WHOLE, View, views_of
from procedures import access
from procedures.models import Run, Wait
from procedures.users import User

Kind = Literal["session", "run", "text", "inbox", "chat", "runs"]
Head = tuple[Any, ...]
"""The head of a stream: its newest number, and other values that differ after a change."""

LARGEST_PLACE = 2**62


@dataclass(frozen=True, slots=True)
class Stream:
    """The name of a stream that can be followed."""

    kind: Kind
    id: UUID | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind

    @property
    def key(self) -> UUID:
        assert self.id, "This stream only tells followers to fetch data; it has no rows."
        return self.id

    @property
    def is_doorbell(self) -> bool:
        """True if the stream only tells followers to read data, and has no changes of its own."""
        return self.id is None

    @property
    def is_text(self) -> bool:
        """True if the stream has the texts that the steps of a run write."""
        return self.kind == "text"

    @classmethod
    def parse(cls, name: str) -> "Stream":
        """Return the stream of that name; raises `ValueError` if the name is invalid."""
        kind, _, id_text = name.partition(":")
        if name in DOORBELLS:
            return DOORBELLS[name]
        if kind not in ("session", "run", "text"):
            raise ValueError(f"There is no stream called {name!r}.")
        return cls(kind, UUID(id_text))  # type: ignore[arg-type]


OF_RUNS = ("run", "text")
"""The kinds of streams that everybody who may see the run may follow."""
INBOX, CHAT, RUNS = Stream("inbox"), Stream("chat"), Stream("runs")
DOORBELLS = {str(stream): stream for stream in (INBOX, CHAT, RUNS)}


def allowed(user: User | AnonymousUser, streams: Iterable[Stream]) -> dict[Stream, View]:
    """Return the streams that the user may follow now, each with the part the user may see."""
    wanted = set(streams)
    runs = {stream.key for stream in wanted if stream.kind in OF_RUNS}
    sessions = [stream.key for stream in wanted if stream.kind == "session"]
    seen = dict.fromkeys(wanted & {INBOX, CHAT, RUNS}, WHOLE)
    if runs:
        visible = access.visible_runs(user).filter(pk__in=runs)
        found = {(kind, run) for run in visible.values_list("pk", flat=True) for kind in OF_RUNS}
        seen |= {one: WHOLE for one in wanted if (one.kind, one.id) in found}
    if sessions:
        views = views_of(user, sessions)
        seen |= {Stream("session", session): view for session, view in views.items()}
    return seen


def heads(streams: Iterable[Stream]) -> dict[Stream, Head]:
    """Return the heads of those streams that have one, with one query for each kind of stream."""
    wanted = list(streams)
    found: dict[Stream, Head] = {}
    if runs := [stream.id for stream in wanted if stream.kind == "run"]:
        look = (
            *("pk", "head__seq", "status"),
            *("working_on", "working_attempt", "cancel_requested_at", "pause_requested_at"),
            "asked",  # votes and reassignments, which the journal doesn't have yet or ever
        )
        asked = Wait.objects.open().filter(run=OuterRef("pk"), kind=Wait.Kind.REQUEST)
        versions = asked.order_by().values("run").annotate(sum=Sum("request__version"))
        found_runs = Run.objects.filter(pk__in=runs).annotate(asked=versions.values("sum"))
        for pk, *head in found_runs.values_list(*look):
            found[Stream("run", pk)] = tuple(head)
    if sessions := [stream.id for stream in wanted if stream.kind == "session"]:
        rows = Session.objects.filter(pk__in=sessions).values_list("pk", "last_seq")
        found |= {Stream("session", pk): (seq,) for pk, seq in rows}
    return found


def place_in(after: Any) -> int:
    """Return a client's position in a stream as an integer that databases can store.

    Raises `ValueError` or `TypeError` for anything else.
    """
    place = int(after)
    if not -LARGEST_PLACE < place < LARGEST_PLACE:
        raise ValueError("'after' must be a position in the stream")
    return place
