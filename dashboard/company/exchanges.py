"""Exchanges with identity providers, which hold no thread of the site for long."""

import functools
import socket
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from requests import RequestException, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from dashboard.http.deadline import Deadline

P = ParamSpec("P")
T = TypeVar("T")
SECONDS = 8.0
"""The maximum time of all exchanges for one visit of a person, in seconds."""
LARGEST = 1_000_000
"""The maximum size of a response that is read, in bytes."""
_end = ContextVar[float | None]("end of the visit", default=None)


def in_time(view: Callable[P, T]) -> Callable[P, T]:
    """Limit all exchanges inside the view to `SECONDS` together; later ones fail at once."""

    @functools.wraps(view)
    def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        token = _end.set(time.monotonic() + SECONDS)
        try:
            return view(*args, **kwargs)
        finally:
            _end.reset(token)

    return timed


class Bounded(Session):
    """A session that reads responses of a limited size in a limited time and follows no redirect.

    A redirect could take the site's secret to somebody else.
    """

    def request(self, *args: Any, **kwargs: Any) -> Response:
        end = _end.get()
        seconds = SECONDS if end is None else end - time.monotonic()
        if seconds <= 0:
            raise RequestException("The identity provider has taken too long.")
        wanted = {"timeout": seconds, **kwargs, "stream": True, "allow_redirects": False}
        with Deadline(seconds) as deadline:
            # A connection of its own: one that is kept from an earlier exchange wouldn't be cut.
            adapter = CutAdapter(deadline)
            self.mount("https://", adapter)
            self.mount("http://", adapter)
            try:
                return _read(super().request(*args, **wanted), deadline)
            finally:
                adapter.close()


def _read(response: Response, deadline: Deadline) -> Response:
    body = b""
    with response:
        for part in response.iter_content(65536):
            body += part
            if len(body) > LARGEST:
                raise RequestException("The identity provider's response is too large.")
    try:
        deadline.check()
    except TimeoutError as error:
        raise RequestException("The identity provider has taken too long.") from error
    response._content = body  # noqa: SLF001 (where requests keeps what it has read)
    return response


class CutAdapter(HTTPAdapter):
    """An adapter of a session whose connections are cut at a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _cut_at(self._deadline, pool.ConnectionCls)
        return pool


def _cut_at(deadline: Deadline, kind: type[Any]) -> type[Any]:
    """Return a class of connections that must connect by the deadline, and are cut at it."""
    if kind._new_conn is not HTTPConnection._new_conn:  # noqa: SLF001 (below, too)
        return kind  # it connects by a SOCKS proxy, which does so in its own way

    class Cut(kind):
        def _new_conn(self) -> socket.socket:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
            return deadline.connect([(family, place) for family, *_, place in found])

    return Cut
