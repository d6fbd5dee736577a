"""What can go wrong.

EngineError
├── DefinitionError       a procedure is declared in a way that cannot work
├── InputError            the inputs of a start do not fit the signature
├── QuestionError         a question is asked in a way that cannot be answered
├── AnswerError           an answer does not fit the question
├── StepFailedError       a step has failed for good
├── RequestExpiredError   nobody answered in time, and the author wants a failure
└── ChoiceGoneError       the site's settings allow no longer what a run was started with

Interruption (no error: control flow, so that `except Exception` lets it pass)
├── Suspend               the run leaves its worker and waits
├── Cancelled             the run was asked to end, and leaves its worker
├── Mismatch              the code no longer fits the journal
├── Refused               a layer above refuses what was to be committed
├── Fenced                another worker holds the run
└── StorageLost           the storage does not answer; the run is taken up again later
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from procedures.engine.canonical import legible


class EngineError(Exception):
    """Any error of the engine."""


class DefinitionError(EngineError):
    """A procedure is declared in a way that cannot work."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one input."""

    field: str
    message: str


class InputError(EngineError):
    """The inputs of a start do not fit; names each field."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))


class QuestionError(EngineError):
    """A question is asked in a way that cannot be answered."""


class AnswerError(EngineError):
    """An answer does not fit the question; the message is for the person."""


class StepFailedError(EngineError):
    """A step has failed for good: the same the first time and on replay."""

    def __init__(self, step: str, error_type: str, message: str) -> None:
        self.step, self.type, self.message = step, error_type, message
        super().__init__(f"{step}: {error_type}: {message}" if message else f"{step}: {error_type}")


class RequestExpiredError(EngineError):
    """Nobody answered in time, and the author asked for a failure."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        super().__init__(f"Nobody answered {prompt!r} in time.")


class ChoiceGoneError(EngineError):
    """The site's settings no longer allow what a run was started with."""

    def __init__(self, name: str, setting: str) -> None:
        self.name, self.setting = name, setting
        super().__init__(f"This site's setting {setting} does not name “{name}” any more.")


class Interruption(BaseException):
    """Ends the procedure's code here; catching it quarantines the run."""


class Suspend(Interruption):
    """The run leaves its worker until its wait is closed, or until `wake_at` for a retry."""

    def __init__(self, key: str, *, wake_at: datetime | None = None) -> None:
        self.key, self.wake_at = key, wake_at
        super().__init__(key)


class Cancelled(Interruption):
    """The run was asked to end: it leaves its worker here."""


class Mismatch(Interruption):
    """The code no longer fits the journal: both lists, and a sentence naming the place."""

    def __init__(self, message: str, *, kept: Sequence[str], asked: Sequence[str]) -> None:
        self.message, self.kept, self.asked = message, tuple(kept), tuple(asked)
        super().__init__(message)


class Fenced(Interruption):
    """Another worker holds the run: this one writes nothing more."""


class Refused(Interruption):
    """A layer above refuses what was to be committed: nothing of it was kept."""


class StorageLost(Interruption):
    """The storage does not answer: this worker gives up, the run is taken up again later."""


def told(error: BaseException) -> dict[str, str]:
    """An exception as it is kept: its type, its words, and where it came from."""
    trace = "".join(traceback.format_exception(error, limit=-8))
    return {
        "type": type(error).__name__,
        "message": legible(_words(error))[:2000],
        "traceback": legible(trace)[-8000:],
    }


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 (an error that cannot be told is told without its words)
        return ""
