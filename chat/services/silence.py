"""Sentences about the consequences if nobody answers a request."""

from chat.models import HumanRequest
from procedures.models import Wait


def silence_of(request: HumanRequest) -> str:
    """Return sentences about the consequences if nobody answers, without the time."""
    return f"{request.asked.silence()} {fate_of(request.wait)}".strip()


def fate_of(wait: Wait) -> str:
    """Return a sentence that the request may be withdrawn before it is answered, or ""."""
    rivals = wait.rivals()
    if any(one.kind == Wait.Kind.TIMER for one in rivals):
        return "A timer may withdraw it earlier."
    return (
        "It may be withdrawn earlier, because the run waits for the first of several "
        "answers or events."
        if rivals
        else ""
    )
