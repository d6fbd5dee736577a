"""The primitives named Procedure: the child runs of a program."""

from collections.abc import Mapping
from typing import Any

from procedures.engine import ChildFailedError, Context, Handle, Procedure, UnreachableRunError
from programs.lua.errors import ChildTimeoutError
from programs.lua.primitives.options import seconds_of, shown, table_of, text_of

STATUSES = {
    "queued": "PENDING",
    "open": "RUNNING",
    "succeeded": "COMPLETED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
"""The statuses that programs see, keyed by the statuses of child runs.

A child run with any other status is "RUNNING".
"""
OVER = {"COMPLETED", "FAILED", "CANCELLED"}
GUIDANCE = "guidance"
"""The name of the signal by which `Procedure.inject` sends a message to a child run."""
REASON = "The program has cancelled this child run."


class Children:
    """The child runs that a program has started. The program refers to a child run by its id."""

    def __init__(self, ctx: Context, family: Mapping[str, Procedure]) -> None:
        self._ctx, self._family = ctx, family
        self._handles: dict[str, Handle[Any]] = {}

    def run(self, name: Any = None, inputs: Any = None) -> Any:
        return self._start(name, inputs).wait()

    def spawn(self, name: Any = None, inputs: Any = None) -> str:
        handle = self._start(name, inputs)
        found = str(handle.run_id)
        self._handles[found] = handle
        return found

    def status(self, child: Any = None) -> str:
        return STATUSES.get(self._handle(child).status, "RUNNING")

    def wait(self, child: Any = None, timeout: Any = None) -> Any:
        """Return the result of a child run as soon as the child run ends.

        Raises an error if the child run fails, or doesn't end within `timeout` seconds.
        """
        handle = self._handle(child)
        self._wait_for([handle], 1, timeout, f"The child {child} isn't done")
        return handle.wait()

    def wait_any(self, children: Any = None, timeout: Any = None) -> tuple[str, Any]:
        """Return the id and the result of whichever child run ends first."""
        handles = self._all(children, "Procedure.wait_any")
        first = self._wait_for(list(handles.values()), 1, timeout, "No child is done")[0]
        ended = next(name for name, handle in handles.items() if handle is first)
        return ended, _result_of(first)

    def wait_all(self, children: Any = None, timeout: Any = None) -> dict[str, Any]:
        """Wait until all these child runs have ended, and return their results, keyed by id."""
        handles = self._all(children, "Procedure.wait_all")
        words = "Not all children are done"
        self._wait_for(list(handles.values()), len(handles), timeout, words)
        return {name: _result_of(handle) for name, handle in handles.items()}

    def cancel(self, child: Any = None) -> bool:
        """Cancel a child run; return False if the child run has already ended."""
        if self.status(child) in OVER:
            return False
        self._handle(child).cancel(REASON)
        return True

    def inject(self, child: Any = None, message: Any = None) -> bool:
        """Send a message to a child run; return False if the child run has already ended.

        The agents of the child run read the message at their next turn.
        """
        if self.status(child) in OVER:
            return False
        self._ctx.send(self._handle(child), GUIDANCE, text_of(message))
        return True

    def is_complete(self, child: Any = None) -> bool:
        return self.status(child) in OVER

    def all_complete(self, children: Any = None) -> bool:
        return all(self.is_complete(one) for one in self._all(children, "Procedure.all_complete"))

    def _start(self, name: Any, inputs: Any) -> Handle[Any]:
        name_text = text_of(name)
        given = table_of(inputs, "A child")
        return self._ctx.spawn(self._family.get(name_text, name_text), **given)

    def _handle(self, child: Any) -> Handle[Any]:
        try:
            return self._handles[text_of(child)]
        except KeyError:
            raise ValueError(f"This run has started no child {shown(child)}.") from None

    def _all(self, children: Any, verb: str) -> dict[str, Handle[Any]]:
        if not isinstance(children, list) or not children:
            raise ValueError(f"{verb} needs a list of children, not {shown(children)}.")
        return {text_of(one): self._handle(one) for one in children}

    def _wait_for(
        self, handles: list[Handle[Any]], needed: int, timeout: Any, words: str
    ) -> list[Handle[Any]]:
        """Wait until `needed` of the handles are closed, and return these.

        Raises `ChildTimeoutError`, with a message that begins with `words`, after `timeout`
        seconds.
        """
        seconds = seconds_of(timeout, "timeout")
        if seconds is None:
            return self._ctx.wait_n(needed, *handles, keep_open=True)
        timer = self._ctx.timer(max(seconds, 0.001), reason="The program waits for child runs.")
        closed: list[Handle[Any]] = []
        left = list(handles)
        while len(closed) < needed:
            first = self._ctx.wait_any(*left, timer, keep_open=True)
            if first is timer:
                raise ChildTimeoutError(f"{words} after {seconds:g} seconds.")
            left.remove(first)
            closed.append(first)
        timer.cancel("The children are done.")
        return closed


def _result_of(handle: Handle[Any]) -> Any:
    try:
        return handle.wait()
    except (ChildFailedError, UnreachableRunError) as error:
        return {"success": False, "error": str(error)}
