"""The content that is sent for each change: data for programs, rendered HTML for pages.

A frame is made once for each change and format (data or HTML), and is sent to everybody who may
see the change. So a frame contains nothing that differs between people. A follower who may not see
the change gets only the change's number.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from chat.models import HumanRequest, Message, SessionEvent
from dashboard.live.cards import CARDS
from dashboard.live.homes import OVERVIEW
from dashboard.live.streams import Stream
from dashboard.live.views import Subject, View, look_up
from dashboard.overview import card_overview, run_overview
from dashboard.overview.cards import Card, cards_in
from procedures.engine.journal.error_payloads import without_traceback
from procedures.models import Event, Run

LARGEST_RANGE = 500
ON_HEAD = {Message.Kind.RENAMED, Message.Kind.PRIVATE, Message.Kind.PUBLIC}
"""The kinds of messages that change a session's heading, which stands above the transcript."""
MESSAGE, TITLE = "chat/_message.html", "chat/_title.html"
RUN_NOW = ("procedures/_run_state.html", "procedures/_run_now.html")
"""The templates of a run's page that show its current state."""
LARGEST_DATA = 100_000
"""The maximum number of characters of an event's data in a frame. Longer data has to be fetched."""
NOBODY = Subject()
"""The subject of a change whose object was deleted. Only members see more than its number."""


@dataclass(frozen=True)
class Frame:
    """The content that is sent for one change. The subject decides who may see it."""

    content: dict[str, Any]
    subject: Subject | None = None

    @property
    def seq(self) -> int:
        return int(self.content["seq"])

    def follows(self, after: int) -> bool:
        """Return True if a follower who has everything up to number `after` lacks this frame.

        The state of a run may change without a new event. So a follower also needs a frame with a
        state if the frame's number is `after` itself.
        """
        return self.seq > after or (self.seq == after and "as_of" in self.content)

    def content_for(self, view: View) -> dict[str, Any]:
        """Return the content for a follower with this view of the stream.

        If the follower may not see the content, return only the number, so that the follower misses
        no number.
        """
        return self.content if view.sees(self.subject) else {"seq": self.seq}


Maker = Callable[[Stream, int, int, Sequence[View]], list[Frame]]


def frames(
    stream: Stream, form: str, views: Iterable[View], *, after: int, limit: int = LARGEST_RANGE
) -> list[Frame]:
    """Return at most `limit` frames with numbers above `after`.

    `views` are the parts of the stream that the followers may see. A change that none of the
    followers may see isn't rendered.
    """
    return MAKERS[stream.kind, form](stream, after, limit, list(views))


def run_data(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    events = Event.objects.filter(run=stream.key, seq__gt=after).order_by("seq")[:limit]
    return [Frame(_event_data(event)) for event in events]


def _event_data(event: Event) -> dict[str, Any]:
    """Return an event as JSON values.

    If the event's data is large, the result has the URL of the event instead of the data.
    """
    is_large = len(event.data) > LARGEST_DATA
    content = {
        "seq": event.seq,
        "kind": event.kind,
        "key": event.key,
        "name": event.name,
        "data": None if is_large else without_traceback(event.content),
        "at": event.at.isoformat(),
    }
    return content | ({"data_at": address_of(event)} if is_large else {})


def address_of(event: Event) -> str:
    """Return the API's URL of the whole event, including its large values."""
    return reverse("countersign:api:get_event", args=[event.run_id, event.seq])


def run_page(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    """Return a frame with a line of the journal for each event.

    The last frame also has the run's state.

    If there are no new events, the result is one frame with the run's state. If there are `limit`
    new events or more, no frame has the state, because the next call returns further events and
    then the state.
    """
    as_of, run = _now(), _run(stream)
    events = list(Event.objects.filter(run=run, seq__gt=after).order_by("seq")[:limit])
    lines = [
        (event.seq, render_to_string("procedures/_event.html", {"event": event}))
        for event in events
    ]
    if len(events) < limit:
        seq, line = lines.pop() if lines else (after, "")
        overview = run_overview(run)
        state = "".join(render_to_string(name, overview) for name in RUN_NOW)
        return [*map(_html, lines), Frame({"seq": seq, "html": line + state, "as_of": as_of})]
    return [*map(_html, lines)]


def run_card(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    """Return one frame with the run's card as it is now, however many new events there are."""
    as_of, run = _now(), _run(stream)
    html = render_to_string("procedures/_run_card.html", card_overview(run))
    return [Frame({"seq": run.head_seq, "html": html, "as_of": as_of})]


def _now() -> int:
    """Return the current time in milliseconds.

    Pages compare these times to find out which of two states is newer.
    """
    return time.time_ns() // 1_000_000


def _html(line: tuple[int, str]) -> Frame:
    seq, html = line
    return Frame({"seq": seq, "html": html})


def _run(stream: Stream) -> Run:
    runs = Run.objects.select_related("procedure", "started_by", "version", "head")
    return runs.get(pk=stream.key)


def session_data(stream: Stream, after: int, limit: int, views: Sequence[View]) -> list[Frame]:
    changes = _changes(stream, after, limit)
    subjects = _subjects(changes, views)
    return [
        Frame({"seq": one.seq, "kind": one.kind, "object": one.object}, subjects[_object_of(one)])
        for one in changes
    ]


def session_page(stream: Stream, after: int, limit: int, views: Sequence[View]) -> list[Frame]:
    """Return a frame for each change.

    If an object has changed several times, only the frame of the last of these changes has its
    HTML.
    """
    changes = _changes(stream, after, limit)
    subjects = _subjects(changes, views)
    last = {_object_of(change): change.seq for change in changes}
    seen = {one for one in last if any(view.sees(subjects[one]) for view in views)}
    messages = _messages(stream, seen)
    found, cards = [], cards_in(messages.values())
    for change in changes:
        changed = _object_of(change)
        message = messages.get(changed) if last[changed] == change.seq else None
        html = {"html": _drawn(message, cards)} if message else {}
        found.append(Frame({"seq": change.seq, **html}, subjects[changed]))
    return found


def _drawn(message: Message, cards: Mapping[UUID, Card]) -> str:
    """Return a message as HTML.

    If the message changes the session's heading, the new heading follows.
    """
    html = render_to_string(MESSAGE, {"message": message, "cards": cards})
    if message.kind in ON_HEAD:
        title = message.session.title
        html += render_to_string(TITLE, {"title": title, "session": message.session})
    return html


def _changes(stream: Stream, after: int, limit: int) -> list[SessionEvent]:
    changes = SessionEvent.objects.filter(session=stream.key, seq__gt=after)
    return list(changes.order_by("seq")[:limit])


Object = tuple[str, str]


def _object_of(change: SessionEvent) -> Object:
    return change.kind, change.object


def _subjects(changes: Sequence[SessionEvent], views: Sequence[View]) -> dict[Object, Subject]:
    """Return the subject of each changed object.

    If some followers aren't members, also note in the views of these followers which of the
    subjects' runs they may see.
    """
    # The usual case, members only, asks nothing about subjects.
    if all(view.is_whole for view in views):
        return {_object_of(change): NOBODY for change in changes}
    ids: dict[str, set[UUID]] = {"message": set(), "request": set(), "run": set()}
    for change in changes:
        ids[change.kind].add(UUID(change.object))
    found = {("run", str(run)): Subject(run) for run in ids["run"]}
    requests = HumanRequest.objects.filter(pk__in=ids["request"]).values_list("pk", "wait__run")
    found |= {("request", str(pk)): Subject(run) for pk, run in requests}
    messages = Message.objects.filter(pk__in=ids["message"])
    look = ("pk", "kind", "run", "author", "reply_to__run", "reply_to__author")
    for pk, *rest in messages.values_list(*look):
        found["message", str(pk)] = _subject_of_message(*rest)
    look_up(views, found.values())
    return {_object_of(change): found.get(_object_of(change), NOBODY) for change in changes}


def _subject_of_message(
    kind: str, run: UUID | None, author: int | None, about: UUID | None, to: int | None
) -> Subject:
    """Return the run that a message is about and, if a person wrote it, the people involved.

    These are the author and, if the message is a reply to another person's, the author of that
    message. The run of a person's message is the run to which the person replies.
    """
    if kind != Message.Kind.PERSON:
        return Subject(run)
    return Subject(about, frozenset(user for user in (author, to) if user is not None))


def _messages(stream: Stream, changed: Iterable[Object]) -> dict[Object, Message]:
    """Return the messages that show the changed objects. One query reads all messages."""
    ids: dict[str, list[UUID]] = {"message": [], "request": [], "run": []}
    for kind, key in changed:
        ids[kind].append(UUID(key))
    is_shown = Q(pk__in=ids["message"]) | Q(request__in=ids["request"])
    is_shown |= Q(run__in=ids["run"], kind=Message.Kind.RUN)
    found: dict[Object, Message] = {}
    if any(ids.values()):
        for message in Message.objects.for_transcript().filter(is_shown, session=stream.key):
            found["message", str(message.pk)] = message
            found["request", str(message.request_id)] = message
            if message.kind == Message.Kind.RUN:
                found["run", str(message.run_id)] = message
    return found


def doorbell_only(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    return [Frame({"seq": 0})]


def no_frames(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    """Return no frames, because only a socket gets the parts of a text while a step writes it.

    The whole text appears when the step has ended.
    """
    return []


MAKERS: dict[tuple[str, str], Maker] = {
    ("run", "data"): run_data,
    ("text", "data"): no_frames,
    ("run", "page"): run_page,
    ("run", "card"): run_card,
    ("session", "data"): session_data,
    ("session", "page"): session_page,
    ("inbox", "data"): doorbell_only,
    ("inbox", "page"): doorbell_only,
    ("inbox", CARDS): doorbell_only,
    ("chat", "data"): doorbell_only,
    ("chat", "page"): doorbell_only,
    ("runs", "data"): doorbell_only,
    ("runs", "page"): doorbell_only,
    ("runs", OVERVIEW): doorbell_only,
}
