"""Steps: named units of work whose results are stored, and the policy for their retries."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Self, TypedDict

from procedures.engine.declaration.messages import InboxMessage
from procedures.engine.errors import OptionError
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.options import check_options, with_fields, with_options
from procedures.engine.values.spelling import short_repr

RENAMED = {
    "factor": "backoff_factor",
    "longest": "max_backoff",
    "unless": "non_retryable",
    "within": "deadline",
}
"""The current names of `Retry` options by their former names."""


@with_fields("Retry")
@dataclass(frozen=True)
class Retry:
    """A retry policy: at most `attempts` attempts in all, with a growing pause between them.

    `backoff` is the first pause. Each further pause is `backoff_factor` times as long as the pause
    before, up to `max_backoff`. `jitter`, a share from 0 to 1, makes each pause longer or shorter
    by up to that share, so that many runs don't retry at the same time. `non_retryable` lists
    exception types after which the step isn't tried again. `deadline` is the longest time from the
    beginning of the first attempt to the beginning of the last attempt. During a pause of up to a
    second, the worker keeps the run; during a longer pause, the worker is free for other runs.
    """

    attempts: int = 3
    backoff: Duration = "1s"
    backoff_factor: float = 2
    max_backoff: Duration = "1h"
    jitter: float = 0
    non_retryable: tuple[type[BaseException], ...] = ()
    deadline: Duration | None = None

    def __new__(cls, *_: Any, **options: Any) -> Self:
        check_options("Retry", options, cls.__dataclass_fields__, renamed=RENAMED)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        _check_numbers(self)
        for name in ("attempts", "backoff_factor"):
            if not (number := getattr(self, name)) >= 1:
                raise OptionError(f"The option {name} of a Retry must be at least 1, not {number}.")
        if not 0 <= self.jitter <= 1:
            words = f"must be between 0 and 1, not {self.jitter}"
            raise OptionError(f"The option jitter of a Retry {words}.")
        for name in ("backoff", "max_backoff", "deadline"):
            if (length := getattr(self, name)) is not None or name != "deadline":
                parse_duration(length, of=f"{name}= of a Retry")

    def pause_after(self, attempt: int, error: BaseException, spent: timedelta) -> timedelta | None:
        """Return the pause after a failed attempt; None if the step isn't tried again.

        `attempt` is the number of the failed attempt, counted from 1. `spent` is the time since the
        first attempt began.
        """
        if attempt >= self.attempts or isinstance(error, self.non_retryable):
            return None
        pause = self._pause(attempt)
        is_late = self.deadline is not None and spent + pause > parse_duration(self.deadline)
        return None if is_late else pause

    def _pause(self, attempt: int) -> timedelta:
        longest = parse_duration(self.max_backoff)
        try:
            pause = min(
                parse_duration(self.backoff) * self.backoff_factor ** (attempt - 1), longest
            )
        except OverflowError:
            pause = longest
        return pause * (1 + self.jitter * random.uniform(-1, 1))  # noqa: S311 (no secret)


def _check_numbers(retry: Retry) -> None:
    for option, kind in (
        ("attempts", int),
        ("backoff_factor", int | float),
        ("jitter", int | float),
    ):
        value = getattr(retry, option)
        if not isinstance(value, kind) or isinstance(value, bool):
            what = "a whole number" if kind is int else "a number"
            raise OptionError(
                f"The option {option} of a Retry must be {what}, not {short_repr(value)}."
            )
    errors: Any = retry.non_retryable
    if not isinstance(errors, tuple) or not all(map(_is_exception, errors)):
        raise OptionError(
            "The option non_retryable of a Retry must be a tuple of exception types, "
            f"not {short_repr(errors)}."
        )


def _is_exception(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


ONCE = Retry(attempts=1)


class StepOptions(TypedDict, total=False):
    """The options that every step takes.

    - `name`: the name of the step, instead of the function's name.
    - `retry`: a `Retry` policy.
    - `timeout`: how long one attempt may take before it is stopped.
    - `transaction`: commit the step's database writes and its result together.
    - `pure`: the step may be repeated without harm, so its result may be stored a little
      later.
    - `once`: run the step at most once; if a worker crashes during the step, operators are asked
      whether the step took effect.
    - `strict`: quarantine the run if a replay calls the step with other arguments.
    - `shown`: store the arguments with the result, so that people see them.
    """

    name: str
    retry: Retry | None
    timeout: Duration | None
    transaction: bool
    pure: bool
    once: bool
    strict: bool
    shown: bool


@dataclass(frozen=True)
class Options:
    """The checked options of a step, with defaults filled in."""

    name: str = ""
    retry: Retry | None = None
    timeout: Duration | None = None
    transaction: bool = False
    pure: bool = False
    once: bool = False
    strict: bool = False
    shown: bool = False

    def __post_init__(self) -> None:
        for option, kind, words in KINDS:
            if not isinstance(value := getattr(self, option), kind):
                raise OptionError(
                    f"The option {option} of a step must be {words}, not {short_repr(value)}."
                )
        if self.timeout is not None:
            parse_duration(self.timeout, of="timeout= of a step")
        chosen = [name for name in ("transaction", "pure", "once") if getattr(self, name)]
        if len(chosen) > 1:
            raise OptionError(f"A step can have only one of the options {' and '.join(chosen)}.")

    @cached_property
    def seconds(self) -> float | None:
        return None if self.timeout is None else parse_duration(self.timeout).total_seconds()


FLAGS = ("transaction", "pure", "once", "strict", "shown")
KINDS: tuple[tuple[str, Any, str], ...] = (
    ("name", str, "a string"),
    ("retry", Retry | None, "a Retry such as Retry(5) or None"),
    *((option, bool, "True or False") for option in FLAGS),
)
PLAIN = Options()
OPTIONS = frozenset(StepOptions.__annotations__)


def options_of(doing: Mapping[str, Any]) -> Options:
    """Return the checked options; equal options are checked once and share one object."""
    if not doing:
        return PLAIN
    try:
        return _known_options(**doing)
    except TypeError:  # an option isn't hashable
        return Options(**doing)


# `typed`, because 1 equals True: otherwise a wrong option could be taken for a valid one in the
# cache.
_known_options = lru_cache(maxsize=256, typed=True)(Options)


@dataclass(frozen=True)
class Step:
    """The current attempt of a step, passed to the function's parameter annotated `Step`."""

    name: str
    idempotency_key: str
    """A key that all attempts of the step share, even attempts after a crash of a worker.

    Pass this key to other systems, so that they recognize a repeated call.
    """
    attempt: int
    """The number of the attempt, counted from 1.

    If a worker crashes during an attempt, the next attempt has the same number.
    """
    _tell: Callable[[str, float | None, float | None], None] = field(
        default=lambda *_: None, repr=False, compare=False
    )
    """The function that `progress` calls."""
    _speak: Callable[[str], None] = field(default=lambda _: None, repr=False, compare=False)
    """The function that `say` calls."""
    _asks_to_end: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)
    _put_down: Callable[[str], None] = field(default=lambda _: None, repr=False, compare=False)
    """The function that `write` calls."""
    _hear: Callable[[], list[InboxMessage]] = field(default=list, repr=False, compare=False)
    """The function that `messages` calls."""
    _spend: Callable[[Mapping[str, Any]], None] = field(
        default=lambda _: None, repr=False, compare=False
    )
    """The function that `spend` calls."""

    @property
    def is_cancelled(self) -> bool:
        """True if the run is being cancelled, so that a long step can stop early."""
        return self._asks_to_end()

    @with_options("step.messages")
    def messages(self) -> list[InboxMessage]:
        """Return what people have written to this step since the last call, oldest first.

        People can write to a step of a procedure with `steer=True`. Call this method where a
        message can change what the step does next; each call reads the database. The messages count
        as read once the step has succeeded. If the step is tried again before that, the next
        attempt gets the same messages again. Messages that no step has read are left to
        `ctx.inbox`.
        """
        return self._hear()

    @with_options("step.say")
    def say(self, text: str) -> None:
        """Post text in the run's chat session now; another attempt of the step posts it again."""
        self._speak(text)

    @with_options("step.write")
    def write(self, text: str) -> None:
        """Add a piece to the step's text, which people read in the chat while it is written.

        Call this method for each piece as it comes, however small, from any thread; the call
        doesn't wait. When the step ends, the whole text, read as Markdown, becomes a message of the
        run. If the step is tried again, a new text takes the place of this text. Raises `SizeError`
        if the text becomes larger than the site allows (5,000,000 characters), and `EngineError`
        after the step's end.
        """
        self._put_down(text)

    def spend(self, **amounts: int | float | Decimal) -> None:
        """Record what the step uses up, such as `requests=1` or `EUR=Decimal("0.20")`.

        People see the sum for the whole run on the page of the run. Each call is committed at once,
        so the amounts of an attempt count even if the attempt fails or the worker dies. Raises
        `OptionError` for anything but finite numbers from 0.
        """
        self._spend(amounts)

    @with_options("step.progress")
    def progress(
        self, text: str = "", done: float | None = None, total: float | None = None
    ) -> None:
        """Show people a line of progress, with `done` of `total` if you pass these numbers.

        Call it as often as you like: lines that come faster than people can read are held back and
        then shown together. A call without text or counts adds no line, but shows the lines held
        back if they are due.
        """
        self._tell(text, done, total)
