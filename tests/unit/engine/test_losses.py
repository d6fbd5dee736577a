"""A value that is kept comes back whole, or it is refused: nothing of it changes silently."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import GenericAlias
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from typing_extensions import TypedDict

from procedures.engine import Context, procedure
from procedures.engine.errors import InputError, QuestionError
from procedures.engine.journal.events import RunStatus
from procedures.engine.kinds.questions import new_question
from procedures.engine.values import canonical
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import message, run_through

T = TypeVar("T")


class Base(BaseModel):
    order: str


class More(Base):
    amount: int = 31


class Same(Base):
    """No field more, but another class."""


class Other(BaseModel):
    order: str


class Holding(BaseModel):
    first: Base
    others: list[Base] = []
    anything: Any = None


class Tagged(BaseModel):
    kind: Literal["tagged"] = "tagged"
    order: str


class Else(BaseModel):
    kind: Literal["else"] = "else"
    order: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    order: str


class Leaving(BaseModel):
    order: str
    note: str = Field(default="", exclude=True)


class Page(BaseModel, Generic[T]):
    items: list[T]


@dataclass
class Parcel:
    weight: Decimal


@dataclass
class Rush(Parcel):
    fee: int = 0


@dataclass
class Load:
    parcels: list[Parcel]
    hidden: Parcel | None = field(default=None, compare=False)


class Place(NamedTuple):
    x: int
    y: int


class Spot(NamedTuple):
    x: int
    y: int


class Color(Enum):
    RED = "red"


class Tone(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    A = "a"


class Named(TypedDict):
    first: Base


Rounded = Annotated[Decimal, PlainSerializer(lambda value: str(round(value)))]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "hint", "words"),
    [
        (More(order="A", amount=3100), Base, "it is a More, and would come back as a Base"),
        (Same(order="A"), Base, "it is a Same, and would come back as a Base"),
        (Rush(Decimal(1), fee=3), Parcel, "it is a Rush"),
        ([Rush(Decimal(1))], list[Parcel], r"it\[0\] is a Rush"),
        ({"a": (More(order="A"),)}, dict[str, tuple[Base, ...]], r"it\['a'\]\[0\] is a More"),
        (Holding(first=More(order="A")), Holding, r"it\.first is a More"),
        (Holding(first=Base(order="A"), others=[Same(order="B")]), Holding, r"it\.others\[0\]"),
        (Load([], hidden=Rush(Decimal(1))), Load, r"it\.hidden is a Rush"),
        ({"first": More(order="A")}, Named, r"it\['first'\] is a More"),
        (More(order="A"), Base | None, "it is a More"),
        (Other(order="A"), Base | Other, "it is a Other, and would come back as a Base"),
        ([Other(order="A")], list[Base | Other], r"it\[0\] is a Other"),
        (Decimal("1.5"), str | Decimal, "it is a Decimal, and would come back as a str"),
        (date(2026, 1, 5), str | date, "it is a date, and would come back as a str"),
        (str(UUID(int=7)), UUID | str, "it is a str, and would come back as a UUID"),
        (Color.RED, str | Color, "it is a Color, and would come back as a str"),
        (Tone.RED, Color | Tone, "it is a Tone, and would come back as a Color"),
        ({1, 2}, list[int] | set[int], "it is a set, and would come back as a list"),
        (Spot(1, 2), Place | Spot, "it is a Spot, and would come back as a Place"),
        (Rush(Decimal(1)), Parcel | Load, "it is a Rush"),
        ({1: "a", "1": "b"}, Any, "names that become the same in JSON"),
        ({"a": [{1: "a", "1": "b"}]}, Any, "names that become the same in JSON"),
        ({1: "a", "1": "b"}, dict, "names that become the same in JSON"),
        ({1: "a", "1": "b"}, dict[Any, str], "names that become the same in JSON"),
        ({1: "a", "1": "b"}, dict[int | str, str], "names that become the same in JSON"),
        ([{None: 1, "None": 2}], list[Any], "names that become the same in JSON"),
        ({"x": {True: 1, "true": 2}}, dict[str, Any], "names that become the same in JSON"),
        (Holding(first=Base(order="A"), anything={1: 1, "1": 2}), Holding, "same in JSON"),
        ({date(2026, 1, 5): 1, "2026-01-05": 2}, Any, "names that become the same in JSON"),
        ({("a", "b,c"): 1, ("a,b", "c"): 2}, Any, "names that become the same in JSON"),
        (
            Holding(first=Base(order="A")).model_copy(update={"first": Same(order="A")}),
            Holding,
            "S",
        ),
    ],
)
def test_what_would_lose_something_is_refused(value: Any, hint: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        canonical.keepable(value, hint)


def test_a_number_is_not_rounded_on_its_way() -> None:
    class Priced(BaseModel):
        price: Rounded

    with pytest.raises(ValueError, match=r"it\.price would come back as Decimal\('31'\)"):
        canonical.keepable(Priced(price=Decimal("31.49")), Priced)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (More(order="A", amount=3), More),
        (More(order="A", amount=3), Any),
        (Base(order="A"), Base | None),
        (Base(order="A"), Base | Other),
        (Else(order="A"), Tagged | Else),
        (Else(order="A"), Annotated[Tagged | Else, Field(discriminator="kind")]),
        (Open(order="A", more=[1]), Open),
        (Leaving(order="A"), Leaving),
        (Leaving(order="A", note="left out by its author"), Leaving),
        (Page[int](items=[1]), Page[int]),
        (Page(items=[1]), Page[int]),
        (Load([Parcel(Decimal("1.50"))], hidden=Parcel(Decimal(1))), Load),
        ({"weight": "1.5"}, Parcel),
        ((1, "a"), list[Any]),
        ([1, 2], tuple[int, ...]),
        ({2, 1}, frozenset[int]),
        ({"a": (1, Decimal("1.5")), 7: NOON}, Any),
        ({"a": (1, Decimal("1.5")), "b": {2, 1}, "c": Color.RED}, dict[str, Any]),
        ({7: Base(order="A")}, dict[int, Base]),
        ({Level.LOW: 1}, dict[Level, int]),
        ({Color.RED: [Parcel(Decimal(1))]}, dict[Color, list[Parcel]]),
        (UUID(int=7), UUID | str),
        ("2026-01-05", date | int),
        (Level.LOW, int),
        (Level.LOW, Level),
        (Word.A, str),
        (1, float),
        (2.0, int),
        (1, Decimal),
        (1.1, Decimal),
        (True, int),
        ("2026-01-05", date),
        (1, int | str),
        ("1", int | str),
        (1.0, int | float),
        ([1, "1", 1.5, None], list[int | str | float | None]),
        (None, Decimal | str | None),
        ("words", Decimal | str),
        (Place(1, 2), Place),
        (Place(1, 2), tuple[int, int]),
        (OrderedDict(b=1, a=2), dict[str, int]),
        (NOON, datetime),
        ({"first": Base(order="A")}, Named),
        ([{"a": 1}], list[dict[str, Any]] | dict[str, Any]),
    ],
)
def test_what_keeps_all_it_says_is_kept(value: Any, hint: Any) -> None:
    kept, back = canonical.keepable(value, hint)

    assert canonical.load(kept, hint) == back


@pytest.mark.parametrize("count", [1, 3])
def test_a_set_in_what_is_left_open_has_one_text(count: int) -> None:
    names = {f"name {number}" for number in range(20)}
    plain, _ = canonical.keepable({"names": [names] * count}, dict[str, Any])

    assert plain == {"names": [sorted(names)] * count}


def test_the_order_of_a_union_counts_whichever_was_met_first() -> None:
    for hint, kind in [(Color | Tone, Color), (Tone | Color, Tone)]:
        assert type(canonical.load("red", hint)) is kind
        assert type(canonical.load({"a": "red"}, GenericAlias(dict, (str, hint)))["a"]) is kind


# Where values are kept


@procedure
def given(ctx: Context, base: Base) -> str:
    return base.order


@procedure
def parent(ctx: Context) -> Any:
    return ctx.call(given, base=More(order="A"))


@procedure
def returning(ctx: Context) -> Base:
    return More(order="A")


@procedure
def noting(ctx: Context) -> None:
    ctx.state["counts"] = {1: "a", "1": "b"}


def test_an_input_that_would_lose_something_is_refused(store: MemoryStore) -> None:
    with pytest.raises(InputError, match="base: can't be stored: it is a More"):
        store.start(given, {"base": More(order="A")})
    assert run_through(store, given, base=Base(order="A")).result == '"A"'


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (parent, "base: can't be stored: it is a More"),
        (returning, "The result can't be stored: it is a More"),
        (noting, "names that become the same in JSON"),
    ],
)
def test_what_a_run_keeps_is_whole_or_refused(
    store: MemoryStore, definition: Any, words: str
) -> None:
    run = run_through(store, definition)

    assert run.status == RunStatus.FAILED
    assert words in message(run)


def test_evidence_loses_no_name() -> None:
    with pytest.raises(QuestionError, match="names that become the same in JSON"):
        new_question("approval", "Go?", evidence={"counts": {1: "a", "1": "b"}})
