"""Models for forms: those that can be asked for, their fields, and values that are no answer."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    NaiveDatetime,
    PastDate,
    RootModel,
    model_validator,
)
from typing_extensions import TypedDict

from procedures.engine import Context, Currency, File, procedure
from procedures.engine.errors import AnswerError, Fault, QuestionError, SizeError
from procedures.engine.journal.events import RunStatus
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.values import canonical
from procedures.engine.values.sizes import Sizes
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import YES


class Speed(Enum):
    SLOW = "slow"
    FAST = "very_fast"


class Order(BaseModel):
    title: str
    price: Annotated[Decimal, Field(title="Price of all", decimal_places=2)] = Decimal(20)
    speed: Speed = Speed.SLOW
    slower: Speed | None = None
    kinds: set[Literal["x", "y"]] = {"y", "x"}
    days: Annotated[list[str], Field(max_length=2)] = []


@dataclass
class Cabin:
    beds: int
    names: list[str] = field(default_factory=lambda: ["alice"])


class Letter(TypedDict):
    text: str
    day: NotRequired[date]


class Renamed(BaseModel):
    number: int = Field(alias="order number")


def test_what_is_shown_of_a_model_is_all_in_its_schema() -> None:
    asked = new_question("form", "Which?", Order)

    properties = asked.schema["properties"]
    assert asked.fields == ["Title", "Price of all", "Speed", "Slower", "Kinds", "Days"]
    assert [properties[name].get("default", "none") for name in properties] == [
        *("none", "20", "slow", None, ["x", "y"], []),
    ]


@pytest.mark.parametrize(
    ("model", "sent", "kept"),
    [
        (Order, {"title": "Cups"}, {"title": "Cups", "price": "20", "kinds": ["x", "y"]}),
        (Order, {"title": "C", "price": 0.5, "slower": "slow"}, {"price": 0.5, "slower": "slow"}),
        (Cabin, {"beds": 2}, {"beds": 2, "names": ["alice"]}),
        (Letter, {"text": "Soon."}, {"text": "Soon."}),
        (Letter, {"text": "Soon.", "day": "2026-03-01"}, {"day": "2026-03-01"}),
        (Renamed, {"order number": 7}, {"order number": 7}),
    ],
)
def test_an_answer_is_completed_and_is_surely_the_model(
    model: Any, sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    given = new_question("form", "Which?", model).check(sent)

    assert given == given | kept
    assert canonical.jsonable(canonical.load(given, model), model)


def model_of(hint: Any, default: Any = ...) -> Any:
    return type("Made", (BaseModel,), {"__annotations__": {"it": hint}, "it": Field(default)})


class NestedOdd(BaseModel):
    order: model_of(dict[str, int])  # type: ignore[valid-type]


class Validated(BaseModel):
    name: Annotated[str, AfterValidator(str.strip)]


class LooksAtAll(BaseModel):
    name: str

    @model_validator(mode="after")
    def look(self) -> "LooksAtAll":
        return self


@dataclass
class LooksLater:
    name: str

    def __post_init__(self) -> None:
        assert self.name


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    count: int


class Short(BaseModel):
    model_config = ConfigDict(str_max_length=3)
    name: str


class Odd(BaseModel):
    name: str = Field(validation_alias=AliasChoices("a", "b"))


class Endless(BaseModel):
    inner: "Endless | None" = None


class Empty(BaseModel):
    pass


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Box(BaseModel):
    things: Annotated[list[model_of(str)], Field(min_length=25)]  # type: ignore[valid-type]


class Pile(BaseModel):
    boxes: Annotated[list[Box], Field(min_length=10)]


class Heap(BaseModel):
    boxes: Annotated[list[Box], Field(min_length=101)]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (NestedOdd, "order.it can't be a field of a form: a field must be .*, not dict"),
        (Endless, "Endless can't be a form: it contains itself"),
        (Empty, "Empty has no fields"),
        (Pile, "Pile can't be a form: boxes.things.it: from this field on, a new form"),
        (Heap, "Heap can't be a form: min_length of boxes: must be at most 100, not 101"),
        (Odd, "Odd has no fields"),
        (RootModel[int], "has no fields"),
        (dict[str, int], "has no fields"),
        (int, "int has no fields"),
        (7, "7 can't be a form"),
        (
            Validated,
            "name can't be a field of a form: it has a validator, which isn't supported",
        ),
        (LooksAtAll, "it has a validator, which isn't supported"),
        (LooksLater, "it has a __post_init__, which isn't supported"),
        (Strict, "it has the setting strict, which isn't supported"),
        (Short, "it has the setting str_max_length, which isn't supported"),
        (model_of(NaiveDatetime), "constraints that aren't supported for answers: tz_constraint"),
        (model_of(PastDate), "constraints that aren't supported for answers: now_op"),
        (
            model_of(Annotated[timedelta, Field(gt=timedelta(1))]),
            "aren't supported for answers: gt",
        ),
        (model_of(list[int | None]), "a field must be a string"),
        (
            model_of(int | str),
            r"it can't be a field of a form: it has the union int \| str, which .* Use only one of",
        ),
        (model_of(list[Short | Strict] | None), r"it has the union Short \| Strict, which"),
        (model_of(Annotated[Cat | Dog, Field(discriminator="kind")]), r"the union Cat \| Dog, .*"),
        (Annotated[Cat | Dog, Field(discriminator="kind")], r"a form: it has the union Cat \| Dog"),
        (Short | None, r"Short \| None can't be a form: it may be None. Give the model alone"),
        (model_of(dict[str, int]), "a field must be .*, not dict"),
        (model_of(Any), "a field must be .*, not any"),
        (model_of(list[list[str]]), "or a list of these"),
        (model_of(list[dict[str, int]]), "a field must be .*, not dict"),
        (
            model_of(Annotated[Decimal, Field(max_digits=3)]),
            "aren't supported for answers: max_digits",
        ),
        (model_of(Annotated[date, Field(gt=date(2026, 1, 1))]), "aren't supported for answers: gt"),
        (model_of(int, None), "The default of it isn't a valid answer: .* a whole number"),
        (
            model_of(Annotated[int, Field(gt=3)], 3),
            "The default of it isn't a valid answer: The answer must be more than 3",
        ),
    ],
)
def test_a_model_that_no_answer_could_be_checked_for_is_refused(model: Any, words: str) -> None:
    with pytest.raises(QuestionError, match=words):
        new_question("form", "Which?", model)


def test_all_faults_of_an_answer_are_told_by_field() -> None:
    sent = {"price": "much", "slower": "fast", "days": ["a", "b", "c"], "colour": "red"}

    with pytest.raises(AnswerError, match="colour: This isn't a field") as told:
        new_question("form", "Which?", Order).check(sent)

    assert told.value.faults == (
        Fault("colour", "This isn't a field of the form."),
        Fault("title", "This is missing."),
        Fault("price", "The answer must be a number like 31.20."),
        Fault("slower", "Choose one of: slow, very_fast."),
        Fault("days", "Choose at most 2."),
    )


def test_silence_counts_as_a_whole_answer_and_is_told_in_words() -> None:
    default = Order(title="Cups", kinds={"x"})
    asked = new_question("form", "Which?", Order, expires="2h", default=default)

    assert asked.default["price"] == "20"
    assert asked.silence() == (
        "If nobody answers in time, that counts as “Title: Cups · Price of all: 20 · Speed: "
        "Slow · Slower: — · Kinds: X · Days: —”."
    )
    with pytest.raises(
        QuestionError, match="the default isn't a valid answer: title: This is missing"
    ):
        new_question("form", "Which?", Order, expires="2h", default={"price": 3})


def test_a_kept_form_has_its_fields_in_the_authors_order() -> None:
    asked = new_question("form", "Which?", Order, evidence={"title": "b", "a": 1})

    kept = Question.from_json(json.loads(canonical.text_of(asked.as_json())))

    assert (kept, kept.digest) == (asked, asked.digest)
    assert kept.fields == asked.fields
    assert list(kept.evidence) == ["title", "a"]


def test_a_default_of_another_day_is_no_other_question(store: MemoryStore) -> None:
    days = iter(["Monday", "Tuesday", "Wednesday"])

    class Visit(BaseModel):
        guests: int
        day: str = Field(default_factory=lambda: next(days))

    @procedure
    def visiting(ctx: Context) -> str:
        return ctx.form("Who comes?", Visit).value.day

    run_id = store.start(visiting)
    store.advance(run_id)
    question = Question.from_json(store.runs[run_id].waits["form"])
    store.resolve(run_id, "form", {**YES, "value": question.check({"guests": 2})})

    assert store.advance(run_id) == RunStatus.SUCCEEDED
    assert store.runs[run_id].result == '"Monday"'


class Line(BaseModel):
    thing: str
    price: Annotated[Decimal, Currency("EUR")] = Decimal("1.50")


class Place(TypedDict):
    city: str
    floor: NotRequired[int]


class Delivery(BaseModel):
    to: Place
    back: Place | None = None
    lines: Annotated[list[Line], Field(max_length=2)] = [Line(thing="lamp")]
    at: datetime | None = None
    lasts: timedelta = timedelta(hours=2)
    counts: list[int] = []
    scan: File | None = None


NESTED = new_question("form", "Where?", Delivery)
SCAN = File("a.png", "0" * 64, 3, "image/png")


def test_a_nested_answer_is_completed_and_is_surely_the_model() -> None:
    given = NESTED.check({"to": {"city": "Ulm"}, "lines": [{"thing": "shade"}], "scan": SCAN})

    assert given["lines"] == [{"thing": "shade", "price": "1.50"}]
    found = canonical.load(given, Delivery)
    assert (found.scan, found.lasts, found.lines[0].price) == (SCAN, timedelta(hours=2), 1.5)
    assert NESTED.check({"to": {"city": "Ulm"}})["lines"] == [{"thing": "lamp", "price": "1.50"}]


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        ({"to": 5}, "to", "The answer must be an object with named fields."),
        ({"to": {"city": "Ulm", "floor": "top"}}, "to.floor", "The answer must be a whole number."),
        ({"back": {}}, "back.city", "This is missing."),
        ({"lines": {}}, "lines", "The answer must be a list."),
        (
            {"lines": [{"thing": "a"}, 5]},
            "lines.1",
            "The answer must be an object with named fields.",
        ),
        (
            {"lines": [{"thing": "a", "price": 1.505}]},
            "lines.0.price",
            "The answer must be a multiple of 0.01.",
        ),
        ({"lines": [{"thing": "a"}] * 3}, "lines", "Give at most 2."),
        ({"counts": [1, 1.5]}, "counts", "1: The answer must be a whole number."),
        ({"scan": {"name": "a"}}, "scan", "This must be an uploaded file."),
        (
            {"lasts": "soon"},
            "lasts",
            "The answer must be a duration like 90 min, 2 hours or 3 days.",
        ),
    ],
)
def test_a_nested_fault_names_its_field(sent: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(AnswerError) as refusal:
        NESTED.check({"to": {"city": "Ulm"}} | sent)

    assert refusal.value.faults == (Fault(field, message),)


def test_a_nested_answer_reads_field_by_field() -> None:
    value = NESTED.check({"to": {"city": "Ulm"}, "scan": SCAN})

    assert NESTED.answers(value) == [
        ("To / City", "Ulm"),
        ("Back", ""),
        ("Lines 1 / Thing", "lamp"),
        ("Lines 1 / Price", "1.50 EUR"),
        ("At", ""),
        ("Lasts", "2 h"),
        ("Counts", ""),
        ("Scan", "a.png (3 bytes)"),
    ]


def test_another_nested_default_is_no_other_question() -> None:
    def form(price: str) -> Question:
        line = type(
            "Line", (BaseModel,), {"__annotations__": {"price": Decimal}, "price": Decimal(price)}
        )
        return new_question("form", "Where?", model_of(list[line], []))  # type: ignore[valid-type]

    assert form("1").digest == form("2").digest


def test_a_form_begins_with_a_hundred_rows_at_most() -> None:
    rows = [Line(thing="lamp")] * 101

    assert new_question("form", "Which?", model_of(list[Line], rows[:100])).fields
    with pytest.raises(QuestionError, match="The list has 101 rows; the limit is 100"):
        new_question("form", "Which?", model_of(list[Line], rows))


def test_nested_fields_count_as_fields() -> None:
    question = new_question("form", "Where?", Delivery)

    Sizes(options=13).check_question(question)
    with pytest.raises(SizeError, match="The question has 13 options or fields; the limit is 12"):
        Sizes(options=12).check_question(question)
