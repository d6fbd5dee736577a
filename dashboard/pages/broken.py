"""The page that is shown if the product itself fails."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

AGAIN_AFTER = "5"  # seconds


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 503 if the database can't be reached, else 500; neither page needs the database."""
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        page = render_to_string("503.html")
        return HttpResponse(page, status=503, headers={"Retry-After": AGAIN_AFTER})
    return HttpResponse(render_to_string("500.html"), status=500)
