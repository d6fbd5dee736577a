"""Runs as tests see them: started, waited for, answered, read."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
from django.contrib.auth.models import User

from chat.models import HumanRequest
from chat.services import Answer, respond
from dashboard.models import ApiToken, Scope
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.services import start_run
from tests.processes import Site, wait_until


def start(procedure: str, *, by: User, **inputs: Any) -> Run:
    return start_run(procedure, inputs, by=by)[0]


def wait_for_status(run: Run, *statuses: RunStatus, timeout: float = 60) -> Run:
    found = wait_until(
        lambda: Run.objects.filter(pk=run.pk, status__in=statuses).first(),
        timeout,
        what=f"{run} to be {' or '.join(statuses)}",
    )
    assert found
    return found


def status_of(run: Run) -> str:
    run.refresh_from_db()
    return run.status


def error_of(run: Run) -> dict[str, str]:
    """The message of its last failure or quarantine; empty if there is none."""
    error: dict[str, str] = json.loads(Run.objects.get(pk=run.pk).error or "{}")
    return error


def result_of(run: Run) -> str:
    """The text of its result, "" before its end."""
    return Run.objects.values_list("result", flat=True).get(pk=run.pk) or ""


def wait_for_success(run: Run, timeout: float = 60) -> Run:
    return wait_for_status(run, RunStatus.SUCCEEDED, timeout=timeout)


def wait_for_request(run: Run, *, prompt: str = "") -> HumanRequest:
    """The question the run asks, or asked last."""
    found = wait_until(
        lambda: HumanRequest.objects.filter(wait__run=run, prompt__contains=prompt).first(),
        timeout=60,
        what=f"{run} to ask",
    )
    assert found
    return found


def answer(request: HumanRequest, *, value: Any = True, by: User) -> None:
    respond(request.pk, Answer(value, reason="They are away."), by=by)


def journal_of(run: Run) -> Sequence[str]:
    """Every event as one text: its kind, and its key when it has one."""
    return [f"{event.kind} {event.key}".strip() for event in run.events.order_by("seq")]


def everything_about(run: Run) -> list[object]:
    """The run and its journal, column by column."""
    return [*Run.objects.filter(pk=run.pk).values(), *run.events.order_by("seq").values()]


def client_of(user: User, web: Site) -> httpx.Client:
    """The API as the user's program sees it. Slow answers are answers too."""
    token = ApiToken.create_for(user, scopes=Scope)
    return httpx.Client(
        base_url=f"{web.url}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
