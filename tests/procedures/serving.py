"""Code that calls the site's own services, in a step and outside of one."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from chat.models import HumanRequest
from chat.services import Answer, open_session, respond, save_draft
from procedures.engine import Context, procedure
from procedures.services import (
    Sent,
    cancel_run,
    pause_run,
    restart_run,
    send_signal,
    signal_run,
    start_run,
)

__all__ = ["CHANGED", "SERVICES", "changed_to_start", "serving"]
CHANGED: list[str] = []
"""Has an entry once the code of `changed_to_start` has changed."""
Service = Callable[[UUID, User], object]
SERVICES: dict[str, Service] = {
    "start": lambda _, by: start_run("doubled", {"number": 1}, by=by),
    "start once": lambda _, by: start_run("doubled", {"number": 1}, by=by, idempotency_key="one"),
    "restart": lambda run, by: restart_run(run, by=by, reason="So"),
    "signal": lambda run, by: send_signal(run, Sent("paid", "p-1", 31), by=by),
    "operator's signal": lambda run, by: signal_run(run, Sent("paid", "1", 31), by=by, reason="So"),
    "cancel": lambda run, by: cancel_run(run, by=by, reason="Enough."),
    "pause": lambda run, by: pause_run(run, by=by, reason="Wait."),
    "answer": lambda run, by: respond(request_of(run), Answer(value=True, reason="So"), by=by),
    "draft": lambda run, by: save_draft(request_of(run), by=by, values={"value": ["yes"]}),
    "session": lambda _, by: open_session("Refunds", by=by),
}


def request_of(run: UUID) -> UUID:
    return HumanRequest.objects.get(wait__run=run).pk


def serve(service: str, run: str, by: str) -> None:
    SERVICES[service](UUID(run), User.objects.get(username=by))


def serve_within(service: str, run: str, by: str) -> None:
    with transaction.atomic():
        serve(service, run, by)


@procedure
def serving(ctx: Context, service: str, run: str, by: str, where: str = "code") -> None:
    """Calls a service on another run, and then waits, so that the code is replayed."""
    match where:
        case "code":
            serve(service, run, by)
        case "transaction":
            serve_within(service, run, by)
        case "step":
            ctx.step(serve, service, run, by)
        case "caught":
            with suppress(Exception):
                serve(service, run, by)
    ctx.approve("Go on?")


@procedure
def changed_to_start(ctx: Context, starter: str) -> None:
    """Starts a run between its questions, once its code has changed."""
    ctx.approve("Go?")
    if CHANGED:
        serve("start", ctx.run_id, starter)
    ctx.approve("Go on?")
