"""Sentences about what happens if nobody answers a request."""

from datetime import datetime
from typing import NamedTuple

from chat.models import HumanRequest
from procedures.models import Wait


class Rival(NamedTuple):
    """Another wait of the run whose end can close the request before anybody answers."""

    kind: str
    """The kind of the wait, such as "timer", "request" or "signal"."""
    at: datetime | None
    """The time at which the other wait ends by itself; None if it doesn't."""
    name: str
    """The prompt of the other request, or the name of the signal; "" for other kinds."""


def rivals_of(request: HumanRequest) -> list[Rival]:
    """Return the other waits whose end can close the request, in the order of their opening."""
    waits = request.wait.rivals()
    asked = [one.pk for one in waits if one.kind == Wait.Kind.REQUEST]
    others = HumanRequest.objects.filter(wait__in=asked) if asked else HumanRequest.objects.none()
    prompts = dict(others.order_by().values_list("wait", "prompt"))
    return [
        Rival(one.kind, one.due_at, prompts.get(one.pk, "") or one.signal)
        for one in sorted(waits, key=lambda one: one.opened_seq)
    ]


def silence_of(request: HumanRequest) -> str:
    """Return sentences about what happens if nobody answers.

    The sentences don't say when it happens.
    """
    return f"{request.asked.silence()} {early_withdrawal(request.wait)}".strip()


def early_withdrawal(wait: Wait) -> str:
    """Return a sentence that says how the request can be withdrawn before an answer, or ""."""
    rivals = wait.rivals()
    if any(one.kind == Wait.Kind.TIMER for one in rivals):
        return "A timer can withdraw the request earlier."
    return (
        "The request can be withdrawn earlier, because the run waits for the first of several "
        "answers or events."
        if rivals
        else ""
    )
