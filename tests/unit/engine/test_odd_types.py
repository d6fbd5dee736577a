"""Types that no value can have, or none that comes as JSON: refused where they are written."""

import enum
import re
import typing
from collections import Counter, deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Container,
    Generator,
    Iterable,
    Iterator,
    Sequence,
    Sized,
)
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Never,
    NoReturn,
    Protocol,
    Self,
    TypeVar,
)

import pytest
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    Json,
    PastDatetime,
    TypeAdapter,
)
from pydantic_core import to_json

from procedures.engine import Context, EngineError, File, Step, procedure
from procedures.engine.errors import DefinitionError, QuestionError
from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import message


def written(hint: object) -> str:
    """Return a name that every process of the tests gives it: without an address."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(hint))


T = TypeVar("T")
Number = TypeVar("Number", bound=int)


class Plain: ...


class Speaks(Protocol):
    def speak(self) -> str: ...


@typing.runtime_checkable
class SpeaksOut(Protocol):
    def speak(self) -> str: ...


class Empty(enum.Enum): ...


class OfObjects(enum.Enum):
    A = object()


class Size(enum.Enum):
    SMALL = "s"
    LARGE = 2


class Holds(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    plain: Plain


class Hides(BaseModel):
    size: int = 1
    hook: Callable[[], int] | None = Field(default=None, exclude=True)


class Itself(BaseModel):
    others: "list[Itself]" = []


@dataclass
class Parcel:
    grams: int = 1
    items: list[str] = field(default_factory=list)


IMPOSSIBLE: dict[str, Any] = {
    "a list": [5],
    "a tuple": (int, str),
    "a number": 5,
    "an object": object(),
    "a dict": {},
    "a schema of Pydantic's": {"type": "int"},
    "nan": float("nan"),
    "a lambda": lambda: 1,
    "a built-in": print,
    "a module": re,
    "an instance": Itself(),
    "a field": Field(),
    "...": ...,
    "list[5]": list[5],  # type: ignore[valid-type]
    "Callable": Callable,
    "Callable[[], int]": Callable[[], int],
    "Json": Json,
    "Json[int]": Json[int],
    "list[Json]": list[Json[int]],
    "Literal of bytes": Literal[b"x"],
    "Literal of an object": Literal[OfObjects.A],
    "Literal, one of bytes": Literal["a", b"x"],
    "Iterator": Iterator[int],
    "AsyncIterator": AsyncIterator[int],
    "Awaitable": Awaitable[int],
    "Iterable inside": dict[str, Iterable[int]],
    "Protocol": Speaks,
    "runtime Protocol": SpeaksOut,
    "a class": Plain,
    "ClassVar": ClassVar[int],
    "Self": Self,
    "type": type,
    "type[int]": type[int],
    "InstanceOf": InstanceOf[Plain],
    "memoryview": memoryview,
    "slice": slice,
    "range": range,
    "Exception": Exception,
    "Sized": Sized,
    "Container": Container[int],
    "Union alone": typing.Union,
    "Literal alone": Literal,
    "empty enum": Empty,
    "enum of objects": OfObjects,
    "model of a class": Holds,
    "Context": Context,
    "Step": Step,
    "limits that are none": Annotated[int, Field(gt="a")],
    "a pattern that is none": Annotated[str, Field(pattern="(")],
}
NAMES: dict[str, Any] = {
    "unknown": "Nope",
    "empty": "",
    "blank": " ",
    "no expression": "int str",
    "half a character": "\ud800",
}
READ_ONCE: dict[str, Any] = {
    "Iterable": Iterable[int],
    "Iterable alone": Iterable,
    "Generator": Generator[int, None, None],
}
NEVER: dict[str, Any] = {"NoReturn": NoReturn, "Never": Never}
OF_FILES: dict[str, Any] = {
    "File": File,
    "File or text": File | str,
    "files": list[File],
    "files by name": dict[str, File],
}
POSSIBLE: dict[str, tuple[Any, Any]] = {
    "int": (int, 5),
    "nothing": (None, None),
    "Any": (Any, {"a": [1]}),
    "object": (object, [1]),
    "TypeVar": (T, 5),
    "bound TypeVar": (Number, 5),
    "Final": (Final[int], 5),
    "NewType": (typing.NewType("Grams", int), 5),
    "Decimal": (Decimal, "1.5"),
    "datetime": (datetime, "2026-01-05T09:00:00Z"),
    "past": (PastDatetime, "2020-01-05T09:00:00Z"),
    "union": (str | int | None, 5),
    "Literal": (Literal["a", 1, True, None], "a"),
    "enum": (Size, "s"),
    "Sequence": (Sequence[int], [1]),
    "set": (set[int], [1]),
    "tuple": (tuple[int, str], [1, "a"]),
    "deque": (deque[int], [1]),
    "Counter": (Counter[str], {"a": 1}),
    "path": (Path, "/srv"),
    "pattern": (re.Pattern[str], "a+"),
    "complex": (complex, "1+2j"),
    "model": (Itself, {"others": [{"others": []}]}),
    "dataclass": (Parcel, {"grams": 5, "items": ["a"]}),
    "a field that is left out": (Hides, {"size": 5}),
    "made by its author's code": (
        Annotated[int, BeforeValidator(lambda value: int(str(value)))],
        5,
    ),
}


SENT = {name: one for name, one in POSSIBLE.items() if one[0] is not Hides}
"""Nobody is shown a form for what its author leaves out."""
RULES = ("Json[int]", "list[Json]", "limits that are none", "a pattern that is none")
OF_STEPS = [hint for name, hint in IMPOSSIBLE.items() if name not in RULES]
"""Rules besides the type bind people, and no step."""


def refusal_in_run(call: Callable[[Context], object]) -> EngineError | None:
    """The error of a call in a run, if it has one; the run must be none the worse."""
    found: list[EngineError] = []

    @procedure
    def trying(ctx: Context) -> None:
        try:
            call(ctx)
        except EngineError as error:
            found.append(error)

    store = MemoryStore()
    run_id = store.start(trying, {})
    status = store.advance(run_id)
    assert status in (RunStatus.SUCCEEDED, RunStatus.WAITING), message(store.runs[run_id])
    return found[0] if found else None


def declared(hint: Any, name: str = "given") -> Any:
    def fn(ctx: Context, given: Any) -> Any:
        return given

    fn.__annotations__ = {"ctx": Context, "given": Any, "return": Any, name: hint}
    return procedure(fn)


@pytest.mark.parametrize(
    "hint",
    [*IMPOSSIBLE.values(), *NAMES.values(), *READ_ONCE.values(), *NEVER.values()],
    ids=written,
)
def test_a_signal_of_an_impossible_type_is_refused_at_the_call(hint: Any) -> None:
    refusal = refusal_in_run(lambda ctx: ctx.signal("paid", hint))

    assert isinstance(refusal, QuestionError)
    assert str(refusal).startswith("hint= of the signal 'paid' can't be ")


@pytest.mark.parametrize("hint", OF_FILES.values(), ids=OF_FILES)
def test_no_file_is_sent_with_a_signal(hint: Any) -> None:
    refusal = refusal_in_run(lambda ctx: ctx.signal("paid", hint))

    assert "a File can't be sent in it" in str(refusal)


@pytest.mark.parametrize(("hint", "value"), POSSIBLE.values(), ids=POSSIBLE)
def test_a_signal_of_any_other_type_is_taken(hint: Any, value: Any) -> None:
    @procedure
    def waiting(ctx: Context) -> bool:
        return bool(ctx.signal("paid", hint).wait())

    store = MemoryStore()
    run_id = store.start(waiting, {})
    store.advance(run_id)
    store.signal(run_id, "paid", value, id="1", by="bank")

    assert store.advance(run_id) == RunStatus.SUCCEEDED, message(store.runs[run_id])
    assert store.runs[run_id].result == "true"


@pytest.mark.parametrize(
    "hint",
    [
        *IMPOSSIBLE.values(),
        *READ_ONCE.values(),
        *NEVER.values(),
        dict[str, File],
        File | str,
        "int str",
    ],
    ids=written,
)
def test_an_input_of_an_impossible_type_is_refused_where_it_is_declared(hint: Any) -> None:
    with pytest.raises(DefinitionError, match=r"the input given|its annotations"):
        declared(hint)


@pytest.mark.parametrize(("hint", "value"), SENT.values(), ids=SENT)
def test_an_input_of_any_other_type_can_be_started(hint: Any, value: Any) -> None:
    definition = declared(hint)

    assert MemoryStore().start(definition, {"given": value})


@pytest.mark.parametrize("hint", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_result_of_an_impossible_type_is_refused_where_it_is_declared(hint: Any) -> None:
    with pytest.raises(DefinitionError, match="of its result isn't supported"):
        declared(hint, "return")


@pytest.mark.parametrize("hint", [*OF_STEPS, "Nope", "int str"], ids=written)
def test_a_step_of_an_impossible_type_is_refused_before_it_does_anything(hint: Any) -> None:
    did = []

    def act() -> Any:
        did.append("it")

    act.__annotations__["return"] = hint
    refusal = refusal_in_run(lambda ctx: ctx.step(act))

    assert isinstance(refusal, DefinitionError)
    assert did == []


@pytest.mark.parametrize(("hint", "value"), POSSIBLE.values(), ids=POSSIBLE)
def test_a_step_may_return_any_other_type(hint: Any, value: Any) -> None:
    def act() -> Any:
        return TypeAdapter(hint).validate_json(to_json(value))

    act.__annotations__["return"] = hint

    @procedure
    def acting(ctx: Context) -> bool:
        return bool(ctx.step(act) == act())

    store = MemoryStore()
    run_id = store.start(acting, {})

    assert store.advance(run_id) == RunStatus.SUCCEEDED, message(store.runs[run_id])
    assert store.runs[run_id].result == "true"


@pytest.mark.parametrize("hint", READ_ONCE.values(), ids=READ_ONCE)
def test_what_a_step_yields_comes_back_as_a_list_that_is_read_any_number_of_times(
    hint: Any,
) -> None:
    def count() -> Any:
        return iter([1, 2])

    count.__annotations__["return"] = hint

    @procedure
    def counting(ctx: Context) -> list[int]:
        numbers = ctx.step(count)
        return [*numbers, *numbers]

    store = MemoryStore()
    run_id = store.start(counting, {})

    assert store.advance(run_id) == RunStatus.SUCCEEDED, message(store.runs[run_id])
    assert store.runs[run_id].result == "[1,2,1,2]"


@pytest.mark.parametrize(
    "hint",
    [
        *IMPOSSIBLE.values(),
        *NAMES.values(),
        *NEVER.values(),
        *OF_FILES.values(),
        bytes,
        T,
    ],
    ids=written,
)
@pytest.mark.parametrize("verb", ["ask", "form"])
def test_a_question_of_an_impossible_type_is_refused_at_the_call(verb: str, hint: Any) -> None:
    refusal = refusal_in_run(lambda ctx: getattr(ctx.later, verb)("What?", hint))

    assert isinstance(refusal, QuestionError)
    assert str(refusal).startswith("'What?'")
