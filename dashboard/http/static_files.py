"""Static files of the pages."""

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from servestatic.middleware import ServeStaticMiddleware
from servestatic.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped
    """A storage with hashed file names, or with plain names if `collectstatic` hasn't run.

    With plain names, pages look the same, but browsers can't cache the files for as long.
    """

    has_warned = False

    def stored_name(self, name: str) -> str:
        try:
            return str(super().stored_name(name))
        except ValueError:
            # The middleware also asks for names that it guesses from hashed ones.
            if not self.has_warned and finders.find(name):
                self.has_warned = True
                logger.warning("%s isn't collected: run manage.py collectstatic.", name)
            return name


@sync_and_async_middleware
def static_files(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Serve static files by an asynchronous middleware.

    If the other middleware is synchronous, only requests for static files pass through this one, so
    that other requests don't switch threads.
    """
    if iscoroutinefunction(get_response):
        serve: Callable[[HttpRequest], Any] = ServeStaticMiddleware(get_response)
        return serve
    serve_here = async_to_sync(ServeStaticMiddleware(sync_to_async(get_response)))

    def answer(request: HttpRequest) -> HttpResponseBase:
        is_file = request.path.startswith(settings.STATIC_URL)
        response: HttpResponseBase = serve_here(request) if is_file else get_response(request)
        return response

    return answer
