"""Starts of runs from forms, and the reasons why a form is shown again instead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from chat.services import NotMemberError
from dashboard.forms.start import StartForm
from procedures import access
from procedures.access import SignedIn
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.engine.errors import InputError
from procedures.models import Run
from procedures.services import KeyReusedError, NotAllowedError, QuotaError, StartsStoppedError

LONGEST_KEY = 200
KEY_USED = lazy("This form has already started a run. To start another one, press Start once more.")
StartFunction = Callable[[Mapping[str, Any], str], Run]
"""A function that starts a run; its arguments are the inputs and an idempotency key."""


@dataclass(frozen=True)
class RefusedForm:
    """The result of a form that hasn't started a run and is shown again."""

    key: str
    """The idempotency key for the next try."""
    status: int = 200
    fault: str | Promise = ""
    """The reason why no run was started; "" if the reasons are shown beside the form's fields."""
    retry_after: int = 0
    """The number of seconds after which the next try may succeed; 0 if it may succeed at once."""
    is_allowed: bool = True


def new_key() -> str:
    return uuid4().hex


def sent_key(request: SignedIn) -> str:
    """Return the idempotency key in a form, so that a form sent twice takes effect only once."""
    return request.POST.get("-key", "").replace("\0", "")[:LONGEST_KEY]


def start_by_form(request: SignedIn, form: StartForm, start: StartFunction) -> Run | RefusedForm:
    """Start a run with the entered inputs; if that isn't possible, return why."""
    key = sent_key(request)
    try:
        check_may_start(request, form.definition)
        if form.is_row_changed:
            form.keep_files()
            return RefusedForm(key)
        return start(form.inputs(), key)
    except (NotAllowedError, NotMemberError, StartsStoppedError) as error:
        is_stopped = isinstance(error, StartsStoppedError)  # for a while, so the form stays
        return RefusedForm(key, 409 if is_stopped else 403, str(error), is_allowed=is_stopped)
    except KeyReusedError:
        return RefusedForm(new_key(), 409, KEY_USED)
    except QuotaError as error:
        return RefusedForm(key, 429, str(error), retry_after=error.retry_after)
    except InputError as error:
        form.refuse(error)
        return RefusedForm(key, 422)


def check_may_start(request: SignedIn, definition: Definition) -> None:
    """Raise `NotAllowedError` if the person may not start the procedure.

    This is checked before any file is stored.
    """
    if not access.procedures_for(request.user, "start").filter(name=definition.name).exists():
        raise NotAllowedError(definition)
