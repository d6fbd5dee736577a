"""A thread that processes items from a queue, so that callers don't wait for the processing."""

import logging
import os
import queue
import threading
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


class Background(ABC, Generic[T]):
    """A thread that takes items from a queue. Each process has one thread for each subclass.

    The thread starts with the first item. A forked process starts a thread of its own.
    """

    name: ClassVar[str]
    failure: ClassVar[str]
    """The sentence for the log if no thread can be started; "%s" stands for the reason."""
    queues: ClassVar[type[Any]] = queue.SimpleQueue
    _has_begun: bool

    def __init__(self) -> None:
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)

    @abstractmethod
    def work(self) -> None:
        """Process items from the queue in a loop that never ends."""

    def put(self, item: T) -> None:
        """Put an item into the queue for the thread, without waiting."""
        self.queue.put(item)
        if self._has_begun:
            return
        try:
            threading.Thread(target=self.work, name=self.name, daemon=True).start()
        except RuntimeError as error:  # the limit of threads is reached; the next item tries again
            logging.getLogger(type(self).__module__).warning(self.failure, error)
            return
        # This comes after the start. Otherwise, a process that once failed to start a thread would
        # never start one. If two callers start threads at once, that does no harm: each item is
        # taken by one of them.
        self._has_begun = True
        self.has_begun()

    def has_begun(self) -> None:
        """Do nothing. A subclass may override this; it is called after a thread has started."""

    def _begin_anew(self) -> None:
        # The child gets a new queue. A thread that a fork doesn't copy may hold the lock of the old
        # one, and the child's first item would wait for that lock for ever. The parent handles the
        # items in the old queue.
        self.queue = self.queues()
        self._has_begun = False
