"""Marks of pages: each names the last change of a stream that the page contains.

The socket of the page sends its marks to the server, and gets all later changes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpResponse

from dashboard.live.marks import page_marks
from dashboard.live.streams import RUNS, Stream

P = ParamSpec("P")
View = Callable[Concatenate[Any, P], HttpResponse]


def with_marks(*bells: Stream) -> Callable[[View[P]], View[P]]:
    """Return a decorator that gives pages marks; they are read before the view reads its data.

    All these pages have a mark for the inbox, and with `RUNS` also one for runs. A page without
    marks, such as the response to a POST, is told to read its lists again when its socket opens.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def marked(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method == "GET":
                marks = page_marks(request.user, with_runs=RUNS in bells)
                runs = {"runs": marks.runs} if marks.runs else {}
                request.marks = {"inbox": marks.inbox, **runs}
                request.waiting, request.drawn_at = marks.waiting, marks.at
                request.is_operator = marks.is_operator
            return view(request, *args, **kwargs)

        return marked

    return decorate
