"""Deadlines of exchanges over the network, which the other side can't extend."""

import socket
import time
from collections.abc import Iterable
from threading import Lock, Timer
from types import TracebackType
from typing import Any, Self

Place = tuple[socket.AddressFamily, Any]
"""A resolved address: the address family, and the argument of `socket.connect` for this family."""


class Deadline:
    """The time at which the sockets of an exchange are cut, if the exchange hasn't ended by then.

    The timeout of a socket begins again with each byte, so somebody could hold a thread with one
    byte a second. A cut socket ends each wait on it, as if the other side had closed it.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._alarm = Timer(seconds, self._cut)
        self._alarm.daemon = True
        self._lock, self._handles = Lock(), list[socket.socket]()

    def __enter__(self) -> Self:
        self._alarm.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._alarm.cancel()
        with self._lock:
            for one in self._handles:
                one.close()
            self._handles.clear()

    def check(self) -> None:
        """Raise `TimeoutError` if the time is over, even if a cut response looks complete."""
        if self.left <= 0:
            raise TimeoutError("The response took too long.")

    @property
    def left(self) -> float:
        """The seconds that are left; negative if the time is over."""
        return self._end - time.monotonic()

    def connect(self, places: Iterable[Place]) -> socket.socket:
        """Return a socket that is connected to the first address that accepts connections in time.

        Raises `OSError` if none does.
        """
        failed = OSError("There is no network address to connect to.")
        for family, address in places:
            self.check()
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(max(self.left, 0.001))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._watch(sock)
            except OSError as error:
                sock.close()
                failed = error
            else:
                return sock
        raise failed

    def _watch(self, sock: socket.socket) -> None:
        # A handle of our own: TLS takes the socket's away, and its own can't be cut while it waits.
        with self._lock:
            self._handles.append(sock.dup())
        self.check()  # after that, the alarm finds the handle

    def _cut(self) -> None:
        with self._lock:
            for one in self._handles:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:  # the other side was faster
                    continue
