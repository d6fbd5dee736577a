"""What can go wrong.

PublicError               an author's error, its words written for all who see the run
EngineError
├── DefinitionError       a procedure is declared in a way that cannot work
│   └── ProcedureFileError    the text of a procedure's file can't be read; names the line
├── InputError            the inputs of a start do not fit the signature
├── QuestionError         a question is asked in a way that cannot be answered
├── OptionError           a call of the engine is given an option or a value that it does not take
├── SizeError             something is larger than the site takes
├── EvidenceError         people cannot be shown all that a bound step would do
├── AnswerError           an answer does not fit the question
├── StepFailedError       a step has failed for good
├── BranchFailedError     a branch of a gather has failed
├── StateConflictError    branches of a gather gave one name in ctx.state different values
├── ChildFailedError      a child run has failed, or was cancelled
├── SignalError           a signal came that says what went wrong
├── UnreachableRunError   a run sends to, or cancels, a run that it may not reach
├── NotApprovedError      a step that needs an approval has none
├── LeftOpenError         a step left a transaction open, or broke the one it was called in
├── StepTimeoutError      a step took longer than its timeout
├── RequestExpiredError   nobody answered in time, and the author wants a failure
├── ChoiceGoneError       the site's settings allow no longer what a run was started with
├── FileGoneError         the file store no longer has what was kept there
└── FileStoreError        the file store is full, or can't be reached

Interruption (no error: control flow, so that `except Exception` lets it pass)
├── Suspend               the run leaves its worker and waits
├── Cancelled             the run was asked to end, and leaves its worker
├── Paused                the run was asked to pause, and leaves its worker
├── Continued             the run begins anew, with other inputs
├── LimitReached          the run has used up what it may use: it fails
├── Yielded               the run has had its time, and others wait for the worker
├── Overtaken             somebody outside was faster; the run looks again
├── Mismatch              the code no longer fits the journal
├── Refused               a layer above refuses what was to be committed
├── Fenced                another worker holds the run
├── FileLost              a kept file is gone; the run waits until somebody puts it back
├── TextUnreadable        the text that the run was started with can't be read any more
├── WorkerStops           the worker's process ends, or is replaced; the run goes on in another
├── OutOfMemory           the worker's process has no memory left; the run is taken up again
└── StorageLost           the storage does not answer; the run is taken up again later
"""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from procedures.engine.values.canonical import legible
from procedures.engine.values.secrecy import masked, without_input


class EngineError(Exception):
    """Any error of the engine."""


class PublicError(Exception):
    """An error of a procedure whose words are written for everybody who sees the run.

    In the words of every other error, values named as secrets (`password=…`) are masked, since
    nobody knows what a library writes there. Derive your own errors from this one.
    """


class DefinitionError(EngineError):
    """A procedure is declared in a way that cannot work."""


class ProcedureFileError(DefinitionError):
    """The text of a procedure's file can't be read. `line`: where, counted from 1."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one input, or with one field of a form."""

    field: str
    message: str


class InputError(EngineError):
    """The inputs of a start do not fit; names each field."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))


class OptionError(EngineError, TypeError, ValueError):
    """A call of the engine is given an option, or a value of one, that it does not take.

    It is a `TypeError` and a `ValueError`, too, as Python's own errors for such a call are.
    """


class QuestionError(EngineError):
    """A question is asked in a way that cannot be answered."""


class SizeError(EngineError):
    """Something is larger than the site takes: how large it is, and what helps."""


class EvidenceError(EngineError):
    """A bound step cannot be shown: people would approve what they do not see."""


class AnswerError(EngineError):
    """An answer does not fit the question; the message is for the person.

    Where a form was asked, `faults` names each field.
    """

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message)


class StepFailedError(EngineError):
    """A step has failed for good: the same the first time and on replay."""

    def __init__(self, step: str, error_type: str, message: str) -> None:
        self.step, self.type, self.message = step, error_type, message
        self.place = ""
        """The module and the name of the type, where it is no builtin and was kept."""
        self.is_behind = False
        """Whether it stands behind the exception itself, raised instead of it."""
        super().__init__(f"{step}: {error_type}: {message}" if message else f"{step}: {error_type}")


class BranchFailedError(EngineError):
    """A branch of a gather has failed: the same the first time and on replay."""

    def __init__(self, branch: str, error_type: str, message: str, of: str = "") -> None:
        self.branch, self.type, self.message = branch, error_type, message
        self.of = of
        """The key of what failed in it, where that is known."""
        super().__init__(f"{branch}: {error_type}: {message}")


class StateConflictError(EngineError):
    """Parallel branches changed one name in `ctx.state` in ways that do not go together."""

    def __init__(self, gather: str, name: str, branches: Mapping[str, str]) -> None:
        self.gather, self.name = gather, name
        self.branches = dict(branches)
        """What each branch did to it, in words, by the branch's key."""
        told = "; ".join(f"{branch}: {change}" for branch, change in self.branches.items())
        super().__init__(
            f"Branches of {gather} changed ctx.state[{name!r}] differently: {told}. Change it in "
            "one of them, or use ctx.state.increment or ctx.state.append, which are merged."
        )


class ChildFailedError(EngineError):
    """A child run has ended without a result."""

    def __init__(self, child: str, outcome: str, message: str = "") -> None:
        self.child, self.outcome, self.message = child, outcome, message
        super().__init__(f"{child} {outcome}: {message}" if message else f"{child} {outcome}")


class SignalError(EngineError):
    """A signal that is waited for came as an error: `name`, `sender`, `message`."""

    def __init__(self, name: str, sender: str, message: str) -> None:
        self.name, self.sender, self.message = name, sender, message
        super().__init__(f"The signal {name} came as an error from {sender}: {message}")


class UnreachableRunError(EngineError):
    """A run may not send to, or cancel, another run; or there is none of that id."""


class NotApprovedError(EngineError):
    """A step was to run with an approval, and there is none."""

    def __init__(self, step: str) -> None:
        self.step = step
        super().__init__(f"{step} was not approved: it does not run.")


class LeftOpenError(EngineError):
    """A step left a transaction open, or broke the one that it was called in."""


class StepTimeoutError(EngineError):
    """A step took longer than its timeout."""

    def __init__(self, step: str, seconds: float) -> None:
        self.step, self.seconds = step, seconds
        super().__init__(f"{step} took longer than its timeout of {seconds:g} s.")


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


class FileGoneError(EngineError):
    """The file store answers, and no longer has what was kept there."""

    def __init__(self, digest: str, what: str) -> None:
        super().__init__(f"The stored file {digest[:12]}… {what}.")


class FileStoreError(EngineError):
    """The file store is full, or can't be reached: what was to be kept or read was not."""


class Interruption(BaseException):
    """Ends the procedure's code here; catching it quarantines the run."""


class Suspend(Interruption):
    """The run leaves its worker until a wait is closed, or until `wake_at` for a retry."""

    def __init__(self, *keys: str, wake_at: datetime | None = None, waits: bool = True) -> None:
        self.keys, self.wake_at, self.waits = keys, wake_at, waits
        super().__init__(", ".join(keys))

    @property
    def is_retry(self) -> bool:
        """Whether nothing but time is waited for, until a step is tried again."""
        return self.wake_at is not None and not self.waits

    @classmethod
    def together(cls, suspensions: "Sequence[Suspend]") -> "Suspend":
        """One suspension for several branches: whatever comes first wakes the run."""
        times = [one.wake_at for one in suspensions if one.wake_at]
        keys = [key for one in suspensions for key in one.keys]
        waits = any(one.waits for one in suspensions)
        return cls(*keys, wake_at=min(times, default=None), waits=waits)


class Cancelled(Interruption):
    """The run was asked to end: it leaves its worker here."""


class Paused(Interruption):
    """The run was asked to pause: it leaves its worker here."""


class Continued(Interruption):
    """The run begins anew with these inputs, as canonical JSON."""

    def __init__(self, inputs: str) -> None:
        self.inputs = inputs
        super().__init__("The run begins anew.")


class LimitReached(Interruption):
    """The run has used up one of its limits: it fails, and what it did is undone.

    `closes` is who closes the requests that are open then.
    """

    def __init__(self, message: str, *, closes: str = "") -> None:
        self.closes = closes
        super().__init__(message)


class Yielded(Interruption):
    """The run has had its time, and others wait for the worker."""


class Overtaken(Interruption):
    """What was to be withdrawn has been closed from outside meanwhile: look again."""


class Mismatch(Interruption):
    """The code no longer fits the journal: both lists, and a sentence naming the place.

    `unread` are the keys of what the code did not ask for, `changed` that of a wait that asks
    something else now: what an operator's override lets pass or asks again.
    """

    def __init__(
        self,
        message: str,
        *,
        kept: Sequence[str] = (),
        asked: Sequence[str] = (),
        unread: Sequence[str] = (),
        changed: str = "",
    ) -> None:
        self.message, self.kept, self.asked = message, tuple(kept), tuple(asked)
        self.unread, self.changed = tuple(unread), changed
        super().__init__(message)


class Fenced(Interruption):
    """Another worker holds the run: this one writes nothing more."""


class Refused(Interruption):
    """A layer above refuses what was to be committed: nothing of it was kept."""


class FileLost(Interruption):
    """A kept file is gone or damaged: the run can't go on before it is back."""

    remedy = "Put the file back where the site keeps its files, then retry."


class TextUnreadable(Interruption):
    """The text that the run was started with can't be read by the site's readers any more."""

    remedy = "Install a reader that can read this text, then retry."


class WorkerStops(Interruption):
    """The worker's process ends, or has to be replaced: another one carries the run on."""


class OutOfMemory(Interruption):
    """The worker's process has no memory left: the run is taken up again, and this claim counts."""


class StorageLost(Interruption):
    """The storage does not answer: this worker gives up, the run is taken up again later."""


def error_payload(error: BaseException) -> dict[str, str]:
    """An exception as it is kept: its type, its words, and where it came from."""
    trace = "".join(traceback.format_exception(error, limit=-8))
    kept_before = (StepFailedError, BranchFailedError, ChildFailedError)  # masked by then
    is_public = isinstance(error, (PublicError, *kept_before))
    of = _cause(error)
    return {
        "type": type(error).__name__,
        "message": legible(masked(without_input(_words(error)), is_public=is_public))[:2000],
        "traceback": legible(masked(without_input(trace)))[-8000:],
        **({"of": of} if of else {}),
    }


def without_traceback(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of an error without its traceback, which is for operators only."""
    return {name: value for name, value in content.items() if name != "traceback"}


def _cause(error: BaseException) -> str:
    """The key of the step, the gather or the children that the code failed by, when it was that."""
    match error:
        case StepFailedError():
            return error.step
        case BranchFailedError():
            return error.branch.rpartition("/")[0]
        case StateConflictError():
            return error.gather
        case ChildFailedError():
            return error.child.partition("[")[0]
    behind = error.__cause__
    return behind.step if isinstance(behind, StepFailedError) and behind.is_behind else ""


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 (an error that cannot be told is told without its words)
        return ""
