"""Django's request handler, changed so that a single thread handles each request."""

from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponseBase
from django.urls import set_script_prefix

from dashboard.http.access_log import Application, Receive, Scope, Send

THREADS = 20
"""The maximum number of requests handled at once.

The pool of database connections has the same size.
"""


class OneThread(ASGIHandler):
    """A handler that runs all middleware and the view of a request in one thread.

    Django's own handler switches between threads for nearly every middleware, about a dozen times
    per request, and starts new threads for this. Here all views and middleware are synchronous, so
    the switches would have no use.
    """

    def __init__(self) -> None:
        super().__init__()
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._in_thread = sync_to_async(self._respond, thread_sensitive=False, executor=threads)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002 (Django's own)
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request.

        If the client disconnects before the whole body has arrived, do nothing.
        """
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await self._in_thread(scope, body)
        await self.send_response(response, send)
        if response.streaming:
            await sync_to_async(response.close)()

    def _respond(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        # The response is closed in this thread, because that returns this thread's connections, and
        # before it is sent, because the client may then send its next request at once.
        if not response.streaming:
            response.close()
        body.close()
        return response  # type: ignore[no-any-return]


class StaticFileRouter:
    """An ASGI wrapper that sends requests for static files to a handler of their own."""

    def __init__(self, pages: Application, files: Application) -> None:
        self._pages, self._files = pages, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = scope["path"].startswith(settings.STATIC_URL)
        await (self._files if is_file else self._pages)(scope, receive, send)
