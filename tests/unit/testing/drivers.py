"""A driver for programs that bring their own, as tests use it."""

from collections.abc import Callable
from typing import Any

import pytest

from procedures.testing import LocalExecutionContext, LocalRuns, ProcedureWaitingForHuman

Program = Callable[[LocalExecutionContext], Any]


class Driver:
    """Runs a program until it waits, and keeps what the program's own runtime would keep."""

    def __init__(self, program: Program, runs: LocalRuns | None = None, **how: Any) -> None:
        self.program, self.how = program, how
        self.runs = LocalRuns() if runs is None else runs

    def run(self, procedure_id: str = "p-1", session_id: str = "s-1") -> Any:
        self.context = LocalExecutionContext(procedure_id, session_id, self.runs, **self.how)
        return self.program(self.context)

    def pending(self, procedure_id: str = "p-1") -> str:
        with pytest.raises(ProcedureWaitingForHuman) as caught:
            self.run(procedure_id)
        assert isinstance(caught.value, Exception)
        assert caught.value.procedure_id == procedure_id
        return caught.value.pending_message_id
