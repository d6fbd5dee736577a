"""The content sent for a change: data for programs, rendered HTML for pages.

A frame is made once per change and form, and sent to everybody who may see the change, so it
contains nothing that differs between people. Everybody else gets only the change's number.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse

from chat.models import HumanRequest, Message, SessionEvent
from dashboard.live.streams import Stream
from dashboard.live.views import Subject, View, look_up
from dashboard.overview import run_overview
from procedures.engine.errors import without_traceback
from procedures.models import Event, Run

LARGEST_RANGE = 500
LARGEST_DATA = 100_000
"""The most characters of an event's data in a frame."""
NOBODY = Subject()
"""The subject of a change whose object was deleted: only members see more than its number."""


@dataclass(frozen=True)
class Frame:
    """The content sent for one change, and the subject that decides who may see it."""

    content: dict[str, Any]
    subject: Subject | None = None

    @property
    def seq(self) -> int:
        return int(self.content["seq"])

    def content_for(self, view: View) -> dict[str, Any]:
        """Return the content, or only its number if the view excludes it, so that no gap shows."""
        return self.content if view.sees(self.subject) else {"seq": self.seq}


Maker = Callable[[Stream, int, int, Sequence[View]], list[Frame]]


def frames(
    stream: Stream, form: str, views: Iterable[View], *, after: int, limit: int = LARGEST_RANGE
) -> list[Frame]:
    """Return at most `limit` frames after a cursor, in order, for followers with these views.

    Changes that none of them may see are not rendered.
    """
    return MAKERS[stream.kind, form](stream, after, limit, list(views))


def run_data(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    events = Event.objects.filter(run=stream.key, seq__gt=after).order_by("seq")[:limit]
    return [Frame(_event_data(event)) for event in events]


def _event_data(event: Event) -> dict[str, Any]:
    """Return the event as data; a large event has the address of its data instead of the data."""
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
    """Return the API address of the complete event, with its large values."""
    return reverse("countersign:api:get_event", args=[event.run_id, event.seq])


def run_page(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    """Return a frame with a journal line per event, and a last one with the run's current state."""
    run = _run(stream)
    events = Event.objects.filter(run=run, seq__gt=after).order_by("seq")[:limit]
    found = [_html(event.seq, "procedures/_event.html", event=event) for event in events]
    seq = found[-1].seq if found else after
    return [*found, _html(seq, "procedures/_run_now.html", **run_overview(run))]


def run_card(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    """Return one frame with the run's current card, however many events there are."""
    run = _run(stream)
    return [_html(run.head_seq, "procedures/_run_card.html", **run_overview(run))]


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
    """Return a frame per change; an object that changed several times is rendered only once."""
    changes = _changes(stream, after, limit)
    subjects = _subjects(changes, views)
    last = {_object_of(change): change.seq for change in changes}
    found = []
    for change in changes:
        subject = subjects[_object_of(change)]
        is_drawn = last[_object_of(change)] == change.seq and any(
            view.sees(subject) for view in views
        )
        content = _drawn(change) if is_drawn else {"seq": change.seq}
        found.append(Frame(content, subject))
    return found


def _changes(stream: Stream, after: int, limit: int) -> list[SessionEvent]:
    changes = SessionEvent.objects.filter(session=stream.key, seq__gt=after)
    return list(changes.order_by("seq")[:limit])


Object = tuple[str, str]


def _object_of(change: SessionEvent) -> Object:
    return change.kind, change.object


def _subjects(changes: Sequence[SessionEvent], views: Sequence[View]) -> dict[Object, Subject]:
    """Return each changed object's subject, and update the views with the runs they may see."""
    # The usual case, members only, asks nothing about subjects.
    if all(view.is_whole for view in views):
        return {_object_of(change): NOBODY for change in changes}
    ids: dict[str, set[UUID]] = {"message": set(), "request": set(), "run": set()}
    for change in changes:
        ids[change.kind].add(UUID(change.object))
    found = {("run", str(run)): Subject(run) for run in ids["run"]}
    requests = HumanRequest.objects.filter(pk__in=ids["request"]).values_list("pk", "wait__run")
    found |= {("request", str(pk)): Subject(run) for pk, run in requests}
    said = Message.objects.filter(pk__in=ids["message"])
    look = ("pk", "kind", "run", "author", "reply_to__run", "reply_to__author")
    for pk, *rest in said.values_list(*look):
        found["message", str(pk)] = _subject_of_message(*rest)
    look_up(views, found.values())
    return {_object_of(change): found.get(_object_of(change), NOBODY) for change in changes}


def _subject_of_message(
    kind: str, run: UUID | None, author: int | None, about: UUID | None, to: int | None
) -> Subject:
    """Return the run that a message is about; for a person's message, also the people involved."""
    if kind != Message.Kind.PERSON:
        return Subject(run)
    return Subject(about, frozenset(user for user in (author, to) if user))


def _drawn(change: SessionEvent) -> dict[str, Any]:
    message = _message_of(change)
    if message is None:
        return {"seq": change.seq}
    return _html(change.seq, "chat/_message.html", message=message).content


def _message_of(change: SessionEvent) -> Message | None:
    messages = Message.objects.for_transcript().filter(session=change.session_id)
    if change.kind == "request":
        return messages.filter(request=UUID(change.object)).first()
    if change.kind == "run":
        return messages.filter(run=UUID(change.object), kind=Message.Kind.RUN).first()
    return messages.filter(pk=change.object).first()


def doorbell_only(stream: Stream, after: int, limit: int, _: Sequence[View]) -> list[Frame]:
    return [Frame({"seq": 0})]


def _html(seq: int, template: str, **context: Any) -> Frame:
    return Frame({"seq": seq, "html": render_to_string(template, context)})


MAKERS: dict[tuple[str, str], Maker] = {
    ("run", "data"): run_data,
    ("run", "page"): run_page,
    ("run", "card"): run_card,
    ("session", "data"): session_data,
    ("session", "page"): session_page,
    ("inbox", "data"): doorbell_only,
    ("inbox", "page"): doorbell_only,
    ("runs", "data"): doorbell_only,
    ("runs", "page"): doorbell_only,
}
