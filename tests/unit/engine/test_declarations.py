"""Values that a declaration accepts can be sent; others are refused where it is declared."""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from procedures.engine import (
    Context,
    File,
    InputError,
    Limits,
    Procedure,
    Retry,
    SiteChoice,
    procedure,
)
from procedures.engine.errors import DefinitionError, OptionError
from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import message, run_through


class Line(BaseModel):
    amount: Decimal = Decimal(1)
    pieces: int = 1


@dataclass
class Parcel:
    grams: int
    lines: tuple[Line, ...] = ()


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = ""


class Dropping(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str = ""


class Renamed(BaseModel):
    model_config = ConfigDict(validate_by_name=True)
    order_id: int = Field(0, alias="orderId")


class Place(TypedDict):
    city: str


class Standard(typing.TypedDict):
    """A typed dictionary of the standard library, which Pydantic refuses before Python 3.12."""

    city: str
    zip: typing.NotRequired[int]


class Half(typing.TypedDict, total=False):
    inner: typing.Required[Standard]
    note: str


class WithFile(BaseModel):
    file: File


def declared(hint: Any) -> Procedure:
    def fn(ctx: Context, given: Any) -> Any:
        return given

    fn.__annotations__ = {"ctx": Context, "given": hint, "return": Any}
    return procedure(fn)


def anything(call: Any) -> Any:
    """The call without its types, as somebody who runs no type checker has it."""
    return call


def faults(definition: Procedure, given: Any) -> dict[str, str]:
    with pytest.raises(InputError) as caught:
        definition.parse({"given": given})
    return {fault.field: fault.message for fault in caught.value.faults}


# Refused where they are declared


@pytest.mark.parametrize(
    "hint",
    [
        list[list[File]],
        dict[str, File],
        tuple[File, int],
        list[File | None],
        File | int,
        dict[str, WithFile],
        list[list[WithFile]],
        WithFile | int,
        bytes,
        bytes | None,
        list[bytes],
        Callable[[], int],
        Iterator[int],
        type,
        memoryview,
    ],
    ids=str,
)
def test_what_nobody_can_send_is_refused(hint: Any) -> None:
    with pytest.raises(DefinitionError):
        declared(hint)


@pytest.mark.parametrize(
    "hint", [File, File | None, Annotated[File, "of orders"], Annotated[File | None, 1]], ids=str
)
def test_a_file_is_an_input_of_its_own(hint: Any) -> None:
    assert declared(hint).schema["properties"]["given"]


def test_a_type_that_is_defined_later_is_looked_at_later() -> None:
    early = declared("Later")

    with pytest.raises(DefinitionError, match="Later"):
        _ = early.schema


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: anything(procedure)(titel="Pay"), "has no option 'titel'. Did you mean 'title'"),
        (lambda: anything(procedure)(role={"start": "a"}), "Did you mean 'roles'"),
        (lambda: anything(procedure)(limit=Limits()), "Did you mean 'limits'"),
        (lambda: anything(procedure)(version="1.2"), "'version'. Did you mean 'source'"),
        (lambda: anything(Limits)(stepps=3), "Limits has no option 'stepps'. Did you mean 'steps'"),
        (lambda: anything(Limits)(lasts="1h"), "Did you mean 'max_duration'"),
        (lambda: anything(Retry)(factor=2), "Did you mean 'backoff_factor'"),
        (lambda: anything(Retry)(longest="1h"), "Did you mean 'max_backoff'"),
        (lambda: anything(Retry)(unless=()), "Did you mean 'non_retryable'"),
        (lambda: anything(Retry)(within="1h"), "Did you mean 'deadline'"),
        (
            lambda: anything(Retry)(atempts=2),
            "Retry has no option 'atempts'. Did you mean 'attempts'",
        ),
    ],
)
def test_a_misspelt_option_of_a_declaration_is_refused(
    declare: Callable[[], Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        declare()


@pytest.mark.parametrize("limits", [{"steps": 0}, {"events": 0}, {"depth": -1}, {"steps": "9"}])
def test_a_limit_that_lets_no_run_do_anything_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Invalid limit"):
        Limits(**limits)


# Served


def test_a_typed_dict_of_the_standard_library_is_served() -> None:
    definition = declared(Half)

    assert definition.parse({"given": {"inner": {"city": "Ulm"}}})["given"] == {
        "inner": {"city": "Ulm"}
    }
    assert faults(definition, {"note": "x"}) == {"given.inner": "is missing."}
    assert declared(list[Standard] | None).parse({"given": [{"city": "U", "zip": 1}]})
    assert faults(declared(dict[str, Standard]), {"a": {"zip": 1}}) == {
        "given.a.city": "is missing."
    }


def test_a_step_may_return_a_typed_dict_of_the_standard_library() -> None:
    def look() -> Standard:
        return {"city": "Ulm", "zip": 1}

    @procedure
    def looking(ctx: Context) -> Any:
        return ctx.step(look)

    run = run_through(MemoryStore(), looking)

    assert run.status == RunStatus.SUCCEEDED, message(run)
    assert run.result == '{"city":"Ulm","zip":1}'


@pytest.mark.parametrize(
    ("hint", "given", "fault"),
    [
        (Line, {"amuont": "2"}, {"given.amuont": "isn't a known field."}),
        (Parcel, {"grams": 1, "gram": 2}, {"given.gram": "isn't a known field."}),
        (
            Parcel,
            {"grams": 1, "lines": [{"pieces": 1}, {"piece": 2}]},
            {"given.lines.1.piece": "isn't a known field."},
        ),
        (Place, {"city": "Ulm", "town": "Ulm"}, {"given.town": "isn't a known field."}),
        (dict[str, Line], {"a": {"x": 1}}, {"given.a.x": "isn't a known field."}),
        (list[Line], [{"Amount": 1}], {"given.0.Amount": "isn't a known field."}),
        (Renamed, {"order": 1}, {"given.order": "isn't a known field."}),
        (Standard, {"city": "U", "zap": 1}, {"given.zap": "isn't a known field."}),
    ],
)
def test_a_mistyped_name_inside_an_input_is_never_dropped(
    hint: Any, given: Any, fault: dict[str, str]
) -> None:
    assert faults(declared(hint), given) == fault


@pytest.mark.parametrize(
    ("hint", "given"),
    [
        (Loose, {"name": "a", "more": 1}),
        (Dropping, {"name": "a", "more": 1}),
        (Renamed, {"order_id": 1}),
        (Renamed, {"orderId": 1}),
        (dict[str, int], {"any": 1}),
        (Line | None, None),
        (Any, {"any": {"thing": [1]}}),
    ],
)
def test_what_its_author_takes_is_taken(hint: Any, given: Any) -> None:
    assert "given" in declared(hint).parse({"given": given})


@pytest.mark.parametrize(
    ("hint", "default", "words"),
    [
        (int, "many", r"doesn't fit its type: Input should be a valid integer"),
        (int, None, r"doesn't fit its type: Input should be a valid integer"),
        (Annotated[int, Field(ge=3)], 2, r"doesn't fit its type: .* greater than or equal to 3"),
        (int, Field("many"), r"doesn't fit its type: Input should be a valid integer"),
        (int, Field(2, ge=3), r"doesn't fit its type: .* greater than or equal to 3"),
        (list[int], ["a"], r"doesn't fit its type: 0: Input should be a valid integer"),
        (Any, {1: "a", "1": "b"}, r"can't be stored: .* names that become the same in JSON"),
    ],
)
def test_a_default_that_no_start_could_use_is_refused(hint: Any, default: Any, words: str) -> None:
    def fn(ctx: Context, given: Any = default) -> None: ...

    fn.__annotations__["given"] = hint

    with pytest.raises(DefinitionError, match=rf"^fn: the default of the input given {words}"):
        procedure(fn)


def needs_the_site(value: int) -> int:
    raise LookupError("no site yet")


@pytest.mark.parametrize(
    ("hint", "default"),
    [
        (int, "3"),
        (Decimal, "1.5"),
        (list[int], []),
        (int | None, None),
        (Annotated[str, SiteChoice("SHELVES")], "oak"),
        (int, Field(3, ge=3)),
        (list[int], Field(default_factory=list)),
        (Annotated[int, AfterValidator(needs_the_site)], 3),
    ],
)
def test_any_other_default_is_taken_where_it_is_declared(hint: Any, default: Any) -> None:
    def fn(ctx: Context, given: Any = default) -> None: ...

    fn.__annotations__["given"] = hint

    assert "given" not in procedure(fn).schema.get("required", ())


def test_an_unknown_input_is_told_the_nearest() -> None:
    @procedure
    def pay(ctx: Context, order: str, amount: Decimal = Decimal(1)) -> None: ...

    with pytest.raises(
        InputError, match=r"isn't an input of this procedure\. Did you mean 'amount'"
    ):
        pay.parse({"order": "7", "amuont": 3})


@pytest.mark.parametrize("hint", [int, float, Decimal, int | None, Decimal | None], ids=str)
@pytest.mark.parametrize(
    "text", ["1_000", "\u0663", "\uff11\uff12", "1,5", "0x10", "1__0", "\u0663.5"]
)
def test_what_only_python_takes_for_a_number_is_none(hint: Any, text: str) -> None:
    assert set(faults(declared(hint), text)) == {"given"}


@pytest.mark.parametrize(
    ("hint", "given"),
    [(list[int], ["1_0"]), (dict[str, float], {"a": "\u0663"}), (Line, {"pieces": "1_0"})],
)
def test_numbers_inside_are_read_as_strictly(hint: Any, given: Any) -> None:
    assert len(faults(declared(hint), given)) == 1


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (int, "1000", 1000),
        (int, " 7 ", 7),
        (Decimal, "-31.20", Decimal("-31.20")),
        (float, "1e3", 1e3),
    ],
)
def test_a_number_may_be_a_text(hint: Any, text: str, value: Any) -> None:
    assert declared(hint).parse({"given": text}) == {"given": value}


def test_a_text_of_digits_stays_a_text() -> None:
    assert declared(str).parse({"given": "1_000"}) == {"given": "1_000"}
    assert declared(int | str).parse({"given": "1_000"}) == {"given": "1_000"}


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2m", timedelta(minutes=2)),
        ("90s", timedelta(seconds=90)),
        ("3 days", timedelta(days=3)),
        ("1.5h", timedelta(minutes=90)),
        ("PT2M", timedelta(minutes=2)),
        ("00:02:00", timedelta(minutes=2)),
        (120, timedelta(minutes=2)),
    ],
)
def test_a_length_of_time_is_written_as_everywhere(text: Any, length: timedelta) -> None:
    assert declared(timedelta).parse({"given": text}) == {"given": length}
    assert declared(list[timedelta | None]).parse({"given": [text]}) == {"given": [length]}


@pytest.mark.parametrize("text", ["soon", "2 fortnights", "m", ""])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    assert set(faults(declared(timedelta), text)) == {"given"}


def test_a_moment_may_need_its_zone() -> None:
    assert set(faults(declared(AwareDatetime), "2026-12-31T09:30")) == {"given"}
    assert declared(AwareDatetime).parse({"given": "2026-12-31T09:30Z"}) == {
        "given": datetime(2026, 12, 31, 9, 30, tzinfo=UTC)
    }


@pytest.mark.parametrize(
    "moment",
    [datetime(2026, 12, 31), "2026-12-31T09:30Z", date(2026, 12, 31), 5, None],  # noqa: DTZ001
    ids=str,
)
def test_sleeping_until_what_is_no_moment_is_refused_at_the_call(moment: Any) -> None:
    @procedure
    def sleeping(ctx: Context) -> None:
        with pytest.raises(ValueError, match="a datetime with its time zone"):
            ctx.sleep_until(moment)

    assert run_through(MemoryStore(), sleeping).status == RunStatus.SUCCEEDED


# The text of a program that is no Python


def test_the_text_of_a_program_is_its_source_and_its_version() -> None:
    def made(text: str) -> Procedure:
        def run(ctx: Context) -> str:
            return text

        return procedure(name="program", source=text)(run)

    first, other, again = made("say: a"), made("say: b"), made("say: a")

    assert (first.source, first.doc) == ("say: a", "")
    assert first.version == again.version != other.version
