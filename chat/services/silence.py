"""Sentences about what happens if nobody answers a request."""

from datetime import datetime
from typing import NamedTuple

from chat.models import HumanRequest
from procedures.models import Wait


class Rival(NamedTuple):
    """Another wait of the run that can end a request before it is answered."""

    kind: str
    """The kind of the wait, such as "timer", "request" or "signal"."""
    at: datetime | None
    """The time at which the request would end in this way, or None if that isn't known."""
    name: str
    """The prompt of a request, or the name of a signal."""


def rivals_of(request: HumanRequest) -> list[Rival]:
    """Return the other waits that can end the request, in the order in which they were opened."""
    waits = request.wait.rivals()
    asked = [one.pk for one in waits if one.kind == Wait.Kind.REQUEST]
    others = HumanRequest.objects.filter(wait__in=asked) if asked else HumanRequest.objects.none()
    prompts = dict(others.order_by().values_list("wait", "prompt"))
    return [
        Rival(one.kind, one.due_at, prompts.get(one.pk, "") or one.signal)
        for one in sorted(waits, key=lambda one: one.opened_seq)
    ]


def silence_of(request: HumanRequest) -> str:
    """Return sentences about what happens if nobody answers; they don't mention the time."""
    return f"{request.asked.silence()} {fate_of(request.wait)}".strip()


def fate_of(wait: Wait) -> str:
    """Return a sentence saying that the request may be withdrawn before it is answered, or ""."""
    rivals = wait.rivals()
    if any(one.kind == Wait.Kind.TIMER for one in rivals):
        return "A timer may withdraw the request earlier."
    return (
        "The request may be withdrawn earlier, because the run waits for the first of several "
        "answers or events."
        if rivals
        else ""
    )
