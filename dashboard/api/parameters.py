"""The check of query parameters: unknown ones are refused, because they would have no effect."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.params.models import Query
from ninja.signature import ViewSignature

from procedures.engine.errors import Fault, InputError
from procedures.engine.values.canonical import legible
from procedures.engine.values.sizes import cut
from procedures.engine.values.spelling import meant

View = Callable[..., Any]
LONGEST_NAME = 80
"""The maximum number of characters of an unknown parameter's name that an error repeats."""


def with_known_parameters(view: View) -> View:
    """Return the view with a check of its query parameters.

    If a parameter is unknown or repeated, the view raises `InputError`. The error suggests the
    known name that is most similar to an unknown one.
    """
    names = parameters_of(view)

    @wraps(view)
    def checked(request: HttpRequest, **given: Any) -> Any:
        in_path = request.resolver_match.kwargs if request.resolver_match else {}
        refuse_unknown(request, [name for name in names if name not in in_path])
        return view(request, **given)

    return checked


def refuse_unknown(request: HttpRequest, known: Sequence[str]) -> None:
    """Raise `InputError` if a query parameter isn't in `known`, or is sent more than once."""
    faults = [fault for name in request.GET for fault in _faults(request, name, known)]
    if faults:
        raise InputError(faults)


def parameters_of(view: View) -> list[str]:
    """Return the names of the view's query parameters and of the parameters in its path."""
    found = ViewSignature("", view).params
    return [one.alias for one in found if isinstance(one.source, Query)]


def _faults(request: HttpRequest, name: str, known: Sequence[str]) -> list[Fault]:
    if name not in known:
        shown = cut(legible(name), LONGEST_NAME)
        return [Fault(shown, f"isn't a parameter of this endpoint.{_instead(name, known)}")]
    if (count := len(request.GET.getlist(name))) > 1:
        return [Fault(name, f"was sent {count} times. Send it once.")]
    return []


def _instead(name: str, known: Sequence[str]) -> str:
    if not known:
        return " It has no parameters."
    return f"{meant(name, known, at_least=0)} Its parameters: {', '.join(known)}."
