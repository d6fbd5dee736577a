"""What is sent about a change: data for programs, a rendered partial for pages.

A frame is made once per change and form, and handed to everybody who follows: it holds nothing
that differs from person to person.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from chat.live.streams import Stream
from chat.models import Message, SessionEvent
from procedures.models import Event, Run
from procedures.overview import run_overview

Frame = dict[str, Any]
Maker = Callable[[Stream, int, int], list[Frame]]
LARGEST_RANGE = 500


def frames(stream: Stream, form: str, *, after: int, limit: int = LARGEST_RANGE) -> list[Frame]:
    """The frames that follow a cursor, in order, at most `limit` of them."""
    return MAKERS[stream.kind, form](stream, after, limit)


def run_data(stream: Stream, after: int, limit: int) -> list[Frame]:
    events = Event.objects.filter(run=stream.key, seq__gt=after).order_by("seq")[:limit]
    return [
        {
            "seq": event.seq,
            "kind": event.kind,
            "key": event.key,
            "name": event.name,
            "data": event.content,
            "at": event.at.isoformat(),
        }
        for event in events
    ]


def run_page(stream: Stream, after: int, limit: int) -> list[Frame]:
    """A line of the journal each; the last one brings the run's head and bars as they are now."""
    run = _run(stream)
    events = Event.objects.filter(run=run, seq__gt=after).order_by("seq")[:limit]
    found = [_html(event.seq, "procedures/_event.html", event=event) for event in events]
    seq = found[-1]["seq"] if found else after
    return [*found, _html(seq, "procedures/_run_now.html", **run_overview(run))]


def run_card(stream: Stream, after: int, limit: int) -> list[Frame]:
    """The card as it is now: one frame, however much has happened."""
    run = _run(stream)
    return [_html(run.head_seq, "procedures/_run_card.html", **run_overview(run))]


def _run(stream: Stream) -> Run:
    runs = Run.objects.select_related("procedure", "started_by", "version", "head")
    return runs.get(pk=stream.key)


def session_data(stream: Stream, after: int, limit: int) -> list[Frame]:
    changes = SessionEvent.objects.filter(session=stream.key, seq__gt=after)
    return [
        {"seq": change.seq, "kind": change.kind, "object": change.object}
        for change in changes.order_by("seq")[:limit]
    ]


def session_page(stream: Stream, after: int, limit: int) -> list[Frame]:
    """A frame per change; an object that changed again later is drawn with its last change."""
    changes = list(
        SessionEvent.objects.filter(session=stream.key, seq__gt=after).order_by("seq")[:limit]
    )
    last = {(change.kind, change.object): change.seq for change in changes}
    return [
        _change(change) if last[change.kind, change.object] == change.seq else {"seq": change.seq}
        for change in changes
    ]


def _change(change: SessionEvent) -> Frame:
    message = _message_of(change)
    if message is None:
        return {"seq": change.seq}
    return _html(change.seq, "chat/_message.html", message=message)


def _message_of(change: SessionEvent) -> Message | None:
    messages = Message.objects.for_transcript().filter(session=change.session_id)
    if change.kind == "request":
        return messages.filter(request=UUID(change.object)).first()
    if change.kind == "run":
        return messages.filter(run=UUID(change.object), kind=Message.Kind.RUN).first()
    return messages.filter(pk=change.object).first()


def doorbell_only(stream: Stream, after: int, limit: int) -> list[Frame]:
    return [{"seq": 0}]


def _html(seq: int, template: str, **context: Any) -> Frame:
    return {"seq": seq, "html": render_to_string(template, context)}


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
