"""Dialogs for operations on a run, with the consequences of each operation and its form."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, QueryDict

from dashboard.http.addresses import is_here
from dashboard.overview.consequences import ForkPlace, OperationFacts, consequences, places_of
from dashboard.overview.operations import Operation, divided, operations_for, phase_of
from dashboard.overview.words import Sentence
from procedures import access
from procedures.access import SignedIn
from procedures.models import Run
from procedures.users import User

REASONS = "reasons"
MOST_REASONS = 4


@dataclass(frozen=True)
class Dialog:
    """The dialog of an operation on a run: sentences about its consequences, and its form."""

    operation: Operation
    run: Run
    phase: str
    """The phase of the run to which the consequences apply; see `phase_of`."""
    words: list[Sentence]
    key: str = field(default_factory=lambda: uuid4().hex)
    """An idempotency key, so that a form that is sent twice starts only one new run."""
    places: list[ForkPlace] = field(default_factory=list)
    place: str = ""
    typed: Mapping[str, Any] = field(default_factory=dict)
    faults: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


def operations_of(request: SignedIn, run: Run) -> dict[str, Any]:
    """Return the context of `_operations.html`: operations with buttons, and those in the menu."""
    beside, more = divided(operations_for(request.user, run))
    now = OperationFacts.of(run) if beside else None
    return {
        "run": run,
        "phase": phase_of(run),
        "beside": [dialog_of(one, run, now=now) for one in beside],
        "more": [dialog_of(one, run, now=now) for one in more],
        "reasons": reasons_of(request),
    }


def operable(user: User, procedures: Collection[int]) -> set[int]:
    """Return the ids of those procedures whose runs the user may operate."""
    roles = access.HeldRoles(user, procedures)
    return {one for one in procedures if roles.has("operate", one)}


def dialog_of(
    operation: Operation,
    run: Run,
    *,
    now: OperationFacts | None = None,
    place: str = "",
    **form_state: Any,
) -> Dialog:
    if operation.has_page:
        return Dialog(operation, run, phase_of(run), [], **form_state)
    places = places_of(run) if operation.name == "fork" else []
    chosen = next((one for one in places if one.key == place), None)
    return Dialog(
        operation,
        run,
        phase_of(run),
        consequences(operation.name, now or OperationFacts.of(run), chosen),
        places=places,
        place=place,
        **form_state,
    )


def reasons_of(request: SignedIn) -> list[str]:
    """Return the reasons that the person gave last in this browser session, newest first."""
    return list(request.session.get(REASONS, []))


def typed_reason(request: HttpRequest) -> QueryDict:
    """Return the form as it was sent; if no reason was typed, with the one chosen from the list."""
    typed = request.POST.copy()
    typed["reason"] = typed.get("reason", "").strip() or typed.get("chosen", "")
    return typed


def next_of(request: SignedIn) -> str:
    """Return the address to which the person returns after an operation.

    Return "" if the form names none, or one on another site.
    """
    address: str = request.POST.get("next", "") or request.GET.get("next", "")
    return address if is_here(request, address) else ""


def remember(request: SignedIn, reason: str) -> None:
    others = [one for one in reasons_of(request) if one != reason]
    request.session[REASONS] = [reason, *others][:MOST_REASONS]
