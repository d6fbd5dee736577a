"""An explanation in place of a file whose content is lost."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from procedures.engine.errors import FileGoneError

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)


def explains_lost_files(
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """Make a view return 410 and an explanation if the file that it reads is lost or damaged."""

    @wraps(view)
    def guarded(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except FileGoneError as error:
            return render(request, "procedures/file_lost.html", {"error": error}, status=410)

    return guarded
