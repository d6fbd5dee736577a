"""The streams that clients can follow, who may follow them, and their heads in the database.

- `session:<id>`: the numbered changes of a session. A frame shows the changed object as it is now.
- `run:<id>`: the journal of a run.
- `text:<id>`: the texts that the running steps of a run write. The frames have no numbers (see
  `dashboard.live.texts`).
- `inbox`: frames that tell a page to read again the requests that wait for its user.
- `chat`: frames that say in how many sessions the user has new messages.
- `runs`: frames that tell a page to read its lists of runs again.

The last three streams have no changes of their own (see `dashboard.live.bells`).
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
"""The head of a stream: the number of its newest change, and other values.

If the head differs from an earlier one, the stream has changed since.
"""

LARGEST_PLACE = 2**62


@dataclass(frozen=True, slots=True)
class Stream:
    """The name of a stream that clients can follow."""

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
        """True if the stream only tells its followers to read data again.

        Such a stream has no changes of its own.
        """
        return self.id is None

    @property
    def is_text(self) -> bool:
        """True if the stream consists of the texts that the steps of a run write."""
        return self.kind == "text"

    @classmethod
    def parse(cls, name: str) -> "Stream":
        """Return the stream with this name. Raises `ValueError` if there can't be such a stream."""
        kind, _, id_text = name.partition(":")
        if name in DOORBELLS:
            return DOORBELLS[name]
        if kind not in ("session", "run", "text"):
            raise ValueError(f"There is no stream called {name!r}.")
        return cls(kind, UUID(id_text))  # type: ignore[arg-type]


OF_RUNS = ("run", "text")
"""The kinds of streams that belong to a run. Whoever may see the run may follow them."""
INBOX, CHAT, RUNS = Stream("inbox"), Stream("chat"), Stream("runs")
DOORBELLS = {str(stream): stream for stream in (INBOX, CHAT, RUNS)}


def allowed(user: User | AnonymousUser, streams: Iterable[Stream]) -> dict[Stream, View]:
    """Return the streams that the user may follow now, each with the part that the user may see."""
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
    """Return the heads of these streams, with one query for each kind of stream.

    Streams without numbered changes, such as `inbox`, have no head.
    """
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
    """Return a number that a client has sent as an integer that databases can store.

    Raises `ValueError`, `TypeError` or `OverflowError` if that isn't possible.
    """
    place = int(after)
    if not -LARGEST_PLACE < place < LARGEST_PLACE:
        raise ValueError("'after' must be a position in the stream")
    return place
