"""The transactions of services and of the engine.

A run's code is replayed again and again, and each replay would repeat what the code writes outside
its steps. So services can't write there, except on behalf of the engine, which stores each thing
once.
"""

import threading
from types import TracebackType

from django.db import transaction

from procedures.engine.errors import EngineError
from procedures.engine.values.files import file_store

REPEATED = (
    "A procedure can't call a service that writes, such as start_run, outside its steps, because "
    "each replay would repeat the call. Call the service in a function that you pass to ctx.step. "
    "To start other runs, you can also use ctx.call or ctx.spawn, and to send them signals, "
    "ctx.send."
)


class _EngineWork(threading.local):
    """The number of transactions of the engine that are open in this thread."""

    depth = 0


_work = _EngineWork()


class EngineTransaction(transaction.Atomic):
    """A transaction in which the engine stores what a run's code has done or asked for.

    Receivers of hooks may call services in it, and in what they do after its commit.
    """

    def __enter__(self) -> None:
        super().__enter__()
        _work.depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Django calls the functions of `on_commit` at the end of the outermost block.
        try:
            super().__exit__(kind, error, trace)
        finally:
            _work.depth -= 1


class ServiceTransaction(transaction.Atomic):
    """A transaction in which a service writes; begun outside a run's steps, it raises EngineError.

    Code that no worker executes for a run, such as a view, can always begin it.
    """

    def __enter__(self) -> None:
        if _is_outside_steps():
            raise EngineError(REPEATED)
        super().__enter__()


service_atomic = ServiceTransaction(using=None, savepoint=True, durable=False)
"""The decorator, or context, of each service that writes, in place of `transaction.atomic`."""
engine_atomic = EngineTransaction(using=None, savepoint=True, durable=False)


def _is_outside_steps() -> bool:
    """Return True if a run's own code is being executed, and none of its steps."""
    desk = file_store()
    return desk is not None and desk.is_between_steps and _work.depth == 0
