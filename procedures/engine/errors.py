"""Errors of the engine, and interruptions: exceptions that make a run leave its worker.

PublicError               an error that authors raise; everybody who sees the run can read its text
EngineError
├── DefinitionError       a procedure is declared in a way that can't work
│   └── ProcedureFileError    a procedure's file can't be read; the error names the line
├── InputError            the inputs of a new run don't fit the procedure's signature
├── QuestionError         a question is asked in a way that can't be answered
├── OptionError           an option or a value passed to the engine isn't accepted
├── SizeError             a value is larger than the site's limit
├── EvidenceError         a bound step can't be shown completely
├── AnswerError           an answer does not fit the question
├── StepFailedError       a step has failed for good
├── BranchFailedError     a branch of a gather has failed
├── StateConflictError    branches of a gather changed one name in ctx.state in conflicting ways
├── ChildFailedError      a child run has ended without a result
├── SignalError           a signal arrived as an error instead of a value
├── UnreachableRunError   a run signals or cancels another run that it may not reach
├── NotApprovedError      a step that needs an approval wasn't approved
├── LeftOpenError         a step left a transaction open, or ended the one around it
├── StepTimeoutError      a step took longer than its timeout
├── RequestExpiredError   no answer or signal arrived in time, and on_timeout was "fail"
├── ChoiceGoneError       the site's settings no longer allow a value the run was started with
├── FileGoneError         the file store no longer has a stored file
└── FileStoreError        the file store is full or unreachable

Interruption (control flow; not an Exception, so `except Exception` doesn't catch it)
├── Suspend               the run leaves its worker and waits
├── Cancelled             the run is being cancelled and leaves its worker
├── Paused                the run is being paused and leaves its worker
├── ContinueAsNew         the run continues as new, with other inputs
├── LimitReached          the run has used up one of its limits and fails
├── YieldToOthers         the run's time slice is over, and other runs wait for the worker
├── Overtaken             a commit conflicts with recent events; the run is claimed again
├── Mismatch              the code no longer fits the journal
├── CommitRefused         the site refuses a commit
├── Fenced                another worker holds the run
├── FileLost              a stored file is gone; the run waits until it is put back
├── TextUnreadable        the text that the run was started with can't be read any more
├── WorkerStops           the worker's process ends or is replaced; another worker continues
├── OutOfMemory           the worker's process is out of memory; the run is claimed again
└── StorageLost           the storage does not respond; the run is claimed again later
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


class EngineError(Exception):
    """The base of all errors of the engine."""


class PublicError(Exception):
    """An error that a procedure raises, with a text that everybody who sees the run may read.

    Derive your own errors from this one. In the text of any other error, values named like secrets
    (`password=…`) are masked, because a library may have written a secret into the text.
    """


class DefinitionError(EngineError):
    """A procedure is declared in a way that can't work."""


class ProcedureFileError(DefinitionError):
    """The text of a procedure's file can't be read; `line` is the line number, counted from 1."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


@dataclass(frozen=True)
class Fault:
    """One fault of one input, or of one field of a form."""

    field: str
    message: str


class InputError(EngineError):
    """The inputs of a new run don't fit the procedure's signature.

    `faults` lists what is wrong. Each fault names the input that it is about.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))


class OptionError(EngineError, TypeError, ValueError):
    """A call of the engine passes an option, or a value for an option, that isn't accepted.

    It is also a `TypeError` and a `ValueError`, like Python's own errors for such calls.
    """


class QuestionError(EngineError):
    """A question is asked in a way that can't be answered."""


class SizeError(EngineError):
    """A value is larger than the site's limit; the message names the size and a remedy."""


class EvidenceError(EngineError):
    """A bound step can't be shown completely, so people would approve something they can't see."""


class AnswerError(EngineError):
    """An answer does not fit the question; the message is meant for the person who answered.

    For a form, `faults` names each invalid field.
    """

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message)


class StepFailedError(EngineError):
    """A step has failed for good; the error is the same the first time and on every replay."""

    def __init__(self, step: str, error_type: str, message: str, place: str = "") -> None:
        self.step, self.type, self.message = step, error_type, message
        self.place = place
        """The module and name of the error's type; "" for built-in types, or if not recorded."""
        self.is_behind = False
        """True if the code gets the original exception of the step instead of this error.

        The `__cause__` of the original exception is then this error. For example, `ctx.step_run`
        raises the original `ValueError` of a step.
        """
        super().__init__(f"{step}: {error_type}: {message}" if message else f"{step}: {error_type}")


class BranchFailedError(EngineError):
    """A branch of a gather has failed; the error is the same the first time and on every replay."""

    def __init__(self, branch: str, error_type: str, message: str, of: str = "") -> None:
        self.branch, self.type, self.message = branch, error_type, message
        self.of = of
        """The key of the failed call in the branch, for example of a step; "" if not recorded."""
        super().__init__(f"{branch}: {error_type}: {message}")


class StateConflictError(EngineError):
    """Parallel branches changed one name in `ctx.state` in conflicting ways."""

    def __init__(self, gather: str, name: str, branches: Mapping[str, str]) -> None:
        self.gather, self.name = gather, name
        self.branches = dict(branches)
        """The change that each branch made, by the branch's key: `{"left": "set to 3"}`."""
        listed = "; ".join(f"{branch}: {change}" for branch, change in self.branches.items())
        super().__init__(
            f"The branches of {gather} changed ctx.state[{name!r}] in conflicting ways: {listed}. "
            "Change it in only one branch, or use ctx.state.increment or ctx.state.append, whose "
            "changes are merged."
        )


class ChildFailedError(EngineError):
    """A child run has ended without a result."""

    def __init__(self, child: str, outcome: str, message: str = "") -> None:
        self.child, self.outcome, self.message = child, outcome, message
        super().__init__(f"{child} {outcome}: {message}" if message else f"{child} {outcome}")


class SignalError(EngineError):
    """An awaited signal has arrived, but its sender has marked the signal as an error.

    `name` is the name of the signal, `sender` the run or the user that sent it, and `message` the
    sender's text.
    """

    def __init__(self, name: str, sender: str, message: str) -> None:
        self.name, self.sender, self.message = name, sender, message
        super().__init__(f"{sender} sent the signal {name} as an error: {message}")


class UnreachableRunError(EngineError):
    """The run may not send signals to the other run or cancel it, or no run has the given id."""


class NotApprovedError(EngineError):
    """A step needs the approval of people, but people rejected it or nobody answered in time."""

    def __init__(self, step: str) -> None:
        self.step = step
        super().__init__(f"The step {step} wasn't approved, so it didn't run.")


class LeftOpenError(EngineError):
    """A step left a transaction open, or broke the transaction in which it was called."""


class StepTimeoutError(EngineError):
    """A step took longer than its timeout."""

    def __init__(self, step: str, seconds: float) -> None:
        self.step, self.seconds = step, seconds
        super().__init__(f"The step {step} took longer than its timeout of {seconds:g} s.")


class RequestExpiredError(EngineError):
    """No answer or signal arrived in time, and `on_timeout` was "fail"."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        super().__init__(f"Nobody answered {prompt!r} in time.")


class ChoiceGoneError(EngineError):
    """The site's settings no longer allow a value that the run was started with."""

    def __init__(self, name: str, setting: str) -> None:
        self.name, self.setting = name, setting
        super().__init__(
            f"This site's setting {setting} no longer contains “{name}”. Add it again and retry, "
            "or retry with another value."
        )


class FileGoneError(EngineError):
    """The file store works, but no longer has a file that was stored in it."""

    def __init__(self, digest: str, what: str) -> None:
        self.digest = digest
        super().__init__(f"The stored file {digest[:12]}… {what}.")


class FileStoreError(EngineError):
    """The file store is full or unreachable; nothing was stored or read."""


class Interruption(BaseException):
    """A control-flow exception that ends the procedure's code; catching it quarantines the run."""


class Suspend(Interruption):
    """The run leaves its worker until a wait closes or, before a step's retry, until `wake_at`."""

    def __init__(self, *keys: str, wake_at: datetime | None = None, waits: bool = True) -> None:
        self.keys, self.wake_at, self.waits = keys, wake_at, waits
        super().__init__(", ".join(keys))

    @property
    def is_retry(self) -> bool:
        """True if the run waits only until the next attempt of a step."""
        return self.wake_at is not None and not self.waits

    @classmethod
    def together(cls, suspensions: "Sequence[Suspend]") -> "Suspend":
        """Return one suspension for a run in which each of several branches waits.

        The run is resumed as soon as one of the branches can continue.
        """
        times = [one.wake_at for one in suspensions if one.wake_at]
        keys = [key for one in suspensions for key in one.keys]
        waits = any(one.waits for one in suspensions)
        return cls(*keys, wake_at=min(times, default=None), waits=waits)


class Cancelled(Interruption):
    """The run is being cancelled and leaves its worker at this point of its code."""


class Paused(Interruption):
    """The run is being paused and leaves its worker at this point of its code."""


class ContinueAsNew(Interruption):
    """The run continues as new with these inputs, in canonical JSON."""

    def __init__(self, inputs: str) -> None:
        self.inputs = inputs
        super().__init__("The run continues as new.")


class LimitReached(Interruption):
    """The run has used up one of its limits: it fails, and its compensations run.

    The failed run's open requests are closed. `closes` is the name under which the journal
    records who closed them, such as "system: the run's time limit"; "" stands for the usual name.
    """

    def __init__(self, message: str, *, closes: str = "") -> None:
        self.closes = closes
        super().__init__(message)


class YieldToOthers(Interruption):
    """The run's time slice is over, and other runs wait for the worker."""


class Overtaken(Interruption):
    """A commit conflicts with what has just happened; the run is claimed again.

    For example, a wait was closed by an answer before the run could withdraw it, or the run was
    cancelled.
    """


class Mismatch(Interruption):
    """The code no longer fits the journal; `message` names the step or wait where they differ.

    `kept` describes the steps and waits in the journal, and `asked` describes the steps and waits
    that the changed code has called. `unread` are the keys of the journal's steps and waits that
    the changed code has not called. `changed` is the key of a wait whose question differs from the
    question in the journal, or of a step with `strict=True` whose arguments differ; otherwise
    `changed` is "".

    An operator can override the mismatch. The run then skips the `unread` steps and waits. If
    `changed` is a wait, its question is asked again; if `changed` is a step, the run uses its
    stored result.
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
    """Another worker holds the run; this worker writes nothing more."""


class CommitRefused(Interruption):
    """The site has refused a commit; nothing of it was stored."""


class FileLost(Interruption):
    """A stored file is gone or damaged; the run can't continue until it is restored."""

    remedy = "Restore the file in the site's file store, then retry."


class TextUnreadable(Interruption):
    """The site can no longer read the text of the procedure with which the run was started.

    A reader is a function that turns the text of a procedure file into a procedure. The site may
    have no reader for this kind of file any more.
    """

    remedy = "Install a reader that can read the text of the run's procedure, then retry."


class WorkerStops(Interruption):
    """The worker's process ends or must be replaced; another worker continues the run."""


class OutOfMemory(Interruption):
    """The worker's process is out of memory; the run is claimed again.

    The claim counts as one without progress; after three such claims in a row, the run is
    quarantined.
    """


class StorageLost(Interruption):
    """The storage does not respond; this worker gives up, and the run is claimed again later."""
