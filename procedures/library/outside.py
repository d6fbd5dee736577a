"""The procedure `outside`: a run whose course an external program determines.

The program keeps its state in the state of the run, and asks people through the run.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from procedures.engine import (
    Answerers,
    Check,
    Context,
    EngineError,
    Handle,
    InputError,
    PublicError,
    Response,
    Webhook,
    procedure,
)
from procedures.engine.values import canonical
from procedures.engine.values.sizes import Sizes
from procedures.library.ask import (
    LONGEST_SUBJECT,
    MOST_ASKED,
    AskResult,
    ask,
    check_duration,
    terms_of,
)

SIGNAL = "tell"
OWN = "outside"
"""The name in `ctx.state` under which the run keeps its owner and the id of the last command."""
QUESTION = f"{OWN}/"
"""The prefix of the names of a program's questions in `ctx.state`, as in "outside/refund"."""
LONGEST_NAME = 200
MOST_VALUES, LARGEST_STATE = 5_000, 8_000_000
MOST_OPEN = 50
SIZES = Sizes()
SHORTEST_GENERATION, LONGEST_GENERATION = 200, 500
"""The numbers of commands after which a run continues as new, and after which it refuses more.

While a question is open, the run doesn't continue as new, but it refuses further values and
questions after more than `LONGEST_GENERATION` commands. A run with more values than
`SHORTEST_GENERATION` continues as new after as many commands as it has values, because continuing
as new writes all values again.
"""

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class CommandPart(BaseModel):
    """A part of a command; a field with an unknown name is refused."""

    model_config = ConfigDict(extra="forbid")


class Withdrawal(CommandPart):
    """The withdrawal of a question: the key of the question, and a reason that people read."""

    key: Name
    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class Post(CommandPart):
    """A message to post in the chat session of the run, as with `ctx.notify`."""

    text: Annotated[str, Field(min_length=1)]
    body: str = ""
    data: Any = None


class LogLine(CommandPart):
    """A line for the journal, as with `ctx.log`."""

    text: Annotated[str, Field(min_length=1)]
    level: Literal["debug", "info", "warning", "error"] = "info"


class End(CommandPart):
    """The end of the run: with a result, or with an error."""

    result: Any = None
    error: str = ""


class ProgramCommand(CommandPart):
    """A command of the program: a value of the signal `tell`."""

    id: Name
    """The id of the command; `ctx.state` shows the id of the last command that was handled."""
    owner: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    """The process that sends the command.

    If another process owns the run, the command is ignored.
    """
    take: bool = False
    """True if the process takes the run over from the process that owns the run."""
    values: dict[Name, Any] = {}
    """Values to keep in the run's state, by name."""
    gone: list[Name] = []
    """Names to remove from the state, before `values` are set."""
    ask: dict[str, Any] | None = None
    """A question: its `key`, and inputs of the procedure `ask`; `webhook` isn't allowed."""
    withdraw: Withdrawal | None = None
    stage: str = ""
    post: Post | None = None
    log: LogLine | None = None
    end: End | None = None


class ProgramFailedError(PublicError):
    """The error with which the program has ended its run."""


class SilentError(PublicError):
    """An error for a program that sent no command for as long as `silence` allows."""

    def __init__(self, length: str) -> None:
        super().__init__(f"The program was silent for {length}, so the run was ended.")


class RefusedError(ValueError):
    """A command that the run refuses; the message says why."""


class Program:
    """The external program as its run sees it; its values and questions are in `ctx.state`."""

    def __init__(self, ctx: Context, to: list[str], silence: str) -> None:
        self._ctx, self._to, self._silence = ctx, to, silence
        self._open: dict[str, Handle[Response[Any]]] = {}
        self._word: Handle[Any] | None = None
        self._was_asking = False
        self._commands = 0
        kept = {name: value for name, value in ctx.state.items() if name != OWN}
        self._sizes = {name: len(canonical.text_of(value)) for name, value in kept.items()}
        if OWN not in ctx.state:
            ctx.state[OWN] = {"owner": "", "heard": ""}

    @property
    def is_long(self) -> bool:
        """True if the run should continue as new: after many commands, when no question is open."""
        return not self._open and self._commands >= max(SHORTEST_GENERATION, len(self._sizes))

    def next_end(self) -> End | None:
        """Wait for a command or an answer and handle it.

        Returns the end if the command ends the run.
        """
        word = self._listen()
        self._was_asking = self._was_asking or bool(self._open)
        if self._open:
            first = self._ctx.wait_any(word, *self._open.values(), keep_open=True)
            if first is not word:
                self._note_answers()
                return None
        heard = word.wait()
        self._word = None
        if not heard.timed_out:
            return self._hear(heard.value)
        if not self._was_asking:
            raise SilentError(self._silence)
        return None

    def _listen(self) -> Handle[Any]:
        if self._word is None:
            expiry: Any = {"expires": self._silence} if self._silence else {}
            reason = "The next command of the program that owns this run."
            self._word = self._ctx.signal(SIGNAL, ProgramCommand, reason=reason, **expiry)
            self._was_asking = False
        return self._word

    def _note_answers(self) -> None:
        for key, handle in [*self._open.items()]:
            if handle.closed_seq is not None:
                self._note_end(key, handle)

    def _note_end(self, key: str, handle: Handle[Response[Any]]) -> None:
        del self._open[key]
        ending = handle.wait()
        answer = AskResult(
            str(ending.outcome),
            ending.value,
            ending.responder,
            ending.comment,
            ending.at,
            ending.timed_out,
        )
        kept = dict(self._ctx.state[QUESTION + key])
        self._keep(QUESTION + key, {**kept, "status": "closed", "answer": answer})

    def _hear(self, command: ProgramCommand) -> End | None:
        self._commands += 1
        own = self._ctx.state[OWN]
        if not command.take and command.owner != own["owner"]:
            words = "A process that no longer owns this run sent a command. It was ignored."
            self._ctx.log(words, level="warning")
            return None
        now = {"owner": command.owner if command.take else own["owner"], "heard": command.id}
        try:
            self._check(command)
            self._obey(command)
        except (EngineError, RefusedError) as refusal:
            self._ctx.state[OWN] = {**now, "refused": str(refusal)}
            return None
        self._ctx.state[OWN] = now
        return command.end

    def _check(self, command: ProgramCommand) -> None:
        """Raise `RefusedError` if the command sets a reserved name or exceeds a limit."""
        for name in (*command.values, *command.gone):
            if name == OWN or name.startswith(QUESTION):
                raise RefusedError(f"The name {name!r} is reserved for the run. Use another name.")
        _check_lengths(command)
        makes_room = command.end or command.withdraw or command.take
        if makes_room and command.ask is None and not command.values:
            return  # such a command is never refused
        if self._commands > LONGEST_GENERATION and self._open:
            raise RefusedError(
                f"The run accepts at most {LONGEST_GENERATION:,} commands while questions are "
                "open. Wait for the answers, or withdraw the questions."
            )
        sizes = {name: size for name, size in self._sizes.items() if name not in command.gone}
        sizes |= {name: len(canonical.text_of(value)) for name, value in command.values.items()}
        if len(sizes) > MOST_VALUES:
            raise RefusedError(f"The run can keep at most {MOST_VALUES:,} values and questions.")
        if sum(sizes.values()) > LARGEST_STATE:
            raise RefusedError(f"The run can keep at most {LARGEST_STATE:,} characters of JSON.")

    def _obey(self, command: ProgramCommand) -> None:
        if command.ask is not None:
            self._ask(command.ask)
        if command.withdraw:
            self._withdraw(command.withdraw)
        if command.post:
            self._ctx.notify(command.post.text, body=command.post.body, data=command.post.data)
        if command.log:
            self._ctx.log(command.log.text, level=command.log.level)
        if command.stage:
            self._ctx.stage(command.stage)
        for name in command.gone:
            self._ctx.state.pop(name, None)
            self._sizes.pop(name, None)
        for name, value in command.values.items():
            self._keep(name, value)

    def _keep(self, name: str, value: Any) -> None:
        self._ctx.state[name] = value
        self._sizes[name] = len(canonical.text_of(canonical.jsonable(value)))

    def _ask(self, question: Mapping[str, Any]) -> None:
        """Ask a question; do nothing if the same question was asked with the same key before."""
        key, inputs = self._question(question)
        asked = canonical.digest(canonical.text_of(canonical.jsonable(inputs)))[:16]
        if earlier := self._ctx.state.get(QUESTION + key):
            if earlier["asked"] != asked:
                raise RefusedError(f"Another question was asked with the key {key!r} before.")
            return
        if len(self._open) >= MOST_OPEN:
            raise RefusedError(f"At most {MOST_OPEN} questions can be open at once.")
        kind, options = terms_of(inputs)
        to, body = self._whom(inputs["to"]), inputs["body"]
        handle = self._ctx.later.request(
            kind, inputs["subject"], name="ask", body=body, assign=to, **options
        )
        self._open[key] = handle
        self._keep(QUESTION + key, {"asked": asked, "status": "open"})

    def _question(self, question: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the key and the inputs of a question; raise `RefusedError` for invalid ones."""
        inputs = dict(question)
        key = inputs.pop("key", None)
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_NAME - len(QUESTION):
            raise RefusedError("A question needs a key: a string of 1 to 190 characters.")
        if "webhook" in inputs:
            raise RefusedError(
                "A question can't have a webhook of its own. Set it when you start the run."
            )
        try:
            return key, ask.parse(inputs)
        except InputError as fault:
            raise RefusedError(str(fault)) from None

    def _whom(self, to: list[str]) -> list[str]:
        """Return the people to ask.

        Raises `RefusedError` for people who aren't in the run's `to`.
        """
        for target in to:
            if target not in self._to:
                named = ", ".join(self._to) or "nobody"
                raise RefusedError(
                    f"{target!r} can't be asked. A run can ask only those whom `to` named when the "
                    f"run was started: {named}."
                )
        return to or self._to

    def _withdraw(self, withdrawal: Withdrawal) -> None:
        handle = self._open.get(withdrawal.key)
        if handle is None:
            if QUESTION + withdrawal.key not in self._ctx.state:
                raise RefusedError(f"There is no question with the key {withdrawal.key!r}.")
            return
        handle.cancel(withdrawal.reason)
        self._note_end(withdrawal.key, handle)


def _check_lengths(command: ProgramCommand) -> None:
    """Raise `RefusedError` for a text that is too long, before the command has any effect."""
    post, line = command.post or Post(text="-"), command.log or LogLine(text="-")
    parts = (
        ("text of a post", post.text, SIZES.notice),
        ("body of a post", post.body, SIZES.body),
        ("text of a log line", line.text, SIZES.notice),
        ("stage", command.stage, SIZES.stage),
    )
    for name, text, most in parts:
        if len(text) > most:
            raise RefusedError(f"The {name} has {len(text):,} characters; the limit is {most:,}.")


@procedure(title="Run of an external program", subject="{subject}")
def outside(
    ctx: Context,
    subject: Annotated[str, Field(min_length=1, max_length=LONGEST_SUBJECT)],
    to: Annotated[list[str], Field(max_length=MOST_ASKED), Answerers()] = [],  # noqa: B006 (copied)
    silence: Annotated[str, Check(check_duration)] = "",
    webhook: Annotated[str, Webhook()] = "",
    values: dict[str, Any] = {},  # noqa: B006 (copied)
) -> Any:
    """Keep the values of an external program, and ask people its questions.

    A program starts this procedure with `POST /api/procedures/outside/runs`, and sends each command
    as a value of the signal `tell`. `to` holds everybody whom the run may ask: groups ("finance"),
    users ("@ann") and permissions ("perm:app.code"); by default, all groups that may answer are
    asked. If no question is open and no command comes for `silence`, such as "2 days", the run
    fails. `values` holds the initial values in the run's state by name. The outcome of each
    question, and the end of the run, are reported to the `webhook`.
    """
    # The run's own name is set last: a client that finds it in the state finds all other values,
    # too.
    for name in sorted(values, key=lambda name: name == OWN):
        ctx.state[name] = values[name]
    program = Program(ctx, to, silence)
    while (end := program.next_end()) is None:
        if program.is_long:
            ctx.continue_as_new(
                subject=subject,
                to=to,
                silence=silence,
                webhook=webhook,
                values=dict(ctx.state),
            )
    if end.error:
        raise ProgramFailedError(end.error)
    return end.result
