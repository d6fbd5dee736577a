"""The control that a form shows for each type."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.utils import timezone
from pydantic import BaseModel, Field

from dashboard.forms.fields import SchemaWidget
from dashboard.forms.layout import Builder, Rows
from dashboard.forms.start import StartForm
from procedures.engine import Context, File, InputError, procedure
from procedures.engine.values.choices import SiteChoice, use_choices
from procedures.engine.values.schemas import properties_of
from procedures.engine.values.typed import kind_of


class Speed(Enum):
    SLOW = "slow"
    FAST = "very_fast"


class Address(BaseModel):
    city: str


@procedure
def everything(  # noqa: PLR0913, PLR0917 (inputs come by name)
    ctx: Context,
    name: Annotated[str, Field(description="As in the passport.", min_length=2)],
    count: Annotated[int, Field(ge=1, le=9)],
    amount: Decimal,
    share: float,
    due: date,
    at: datetime | None,
    speed: Speed,
    slower: Speed | None,
    colour: Literal["red", "green"],
    urgent: bool,  # noqa: FBT001
    photo: File,
    note: Annotated[str, Field(max_length=2000)],
    address: Address,
    extra: dict[str, int],
    tags: list[str] = ["a", "b"],  # noqa: B006 (the engine copies it)
    kinds: tuple[Literal["x", "y"], ...] = (),
    amounts: list[Decimal] = [],  # noqa: B006
    order_id: Annotated[str, Field(title="Number of the order")] = "7",
) -> None: ...


KINDS = {
    "name": "text",
    "count": "number",
    "amount": "number",
    "share": "number",
    "due": "date",
    "at": "datetime-local",
    "speed": "choice",
    "slower": "choice",
    "colour": "choice",
    "urgent": "boolean",
    "photo": "file",
    "note": "prose",
    "address": "group",
    "extra": "json",
    "tags": "list",
    "kinds": "choices",
    "amounts": "list",
    "order_id": "text",
}


@pytest.fixture(scope="module")
def fields() -> dict[str, Any]:
    form = StartForm(everything, by=User(pk=1))
    return {field.name: field for field in form}


@pytest.mark.parametrize("name", KINDS)
def test_each_type_has_its_control(name: str) -> None:
    assert kind_of(properties_of(everything.schema)[name]) == KINDS[name]


def test_labels_help_and_limits_come_from_the_signature(fields: dict[str, Any]) -> None:
    assert (fields["name"].label, fields["name"].help_text) == ("Name", "As in the passport.")
    assert fields["order_id"].label == "Number of the order"
    assert fields["name"].field.widget.attrs == {"minlength": 2}
    assert fields["count"].field.widget.attrs == {"inputmode": "numeric"}
    assert fields["amount"].field.widget.attrs == {"inputmode": "decimal"}
    assert fields["count"].limits == ["At least 1.", "At most 9."]
    assert fields["name"].limits == ["At least 2 characters."]


def test_defaults_stand_in_the_form_also_those_that_are_copied(
    fields: dict[str, Any],
) -> None:
    assert (fields["tags"].text, fields["order_id"].text) == ("a\nb", "7")
    assert (fields["tags"].field.required, fields["name"].field.required) == (False, True)


def test_what_may_be_nothing_may_be_left_empty(fields: dict[str, Any]) -> None:
    assert not fields["at"].field.required
    assert '<option value="">—</option>' in str(fields["slower"])
    sent = RequestFactory().post("/", {"note": "Here.", "at": "", "slower": ""})

    inputs = StartForm(everything, by=User(pk=1), request=sent).inputs()

    assert (inputs["at"], inputs["slower"], inputs["note"]) == (None, None, "Here.")
    assert "due" not in inputs


def test_options_are_told_as_words(fields: dict[str, Any]) -> None:
    assert fields["speed"].options == [("slow", "Slow"), ("very_fast", "Very fast")]
    assert fields["kinds"].options == [("x", "X"), ("y", "Y")]
    assert '<option value="">Choose…</option>' in str(fields["speed"])


def test_names_of_the_site_are_spelled_as_its_settings_spell_them() -> None:
    @procedure
    def pack(ctx: Context, shop: Annotated[str, SiteChoice("SHOPS")]) -> None: ...

    with use_choices({"SHOPS": {"my_shop": "/srv/shop", "iPad-app": "/srv/app"}}):
        field: Any = next(iter(StartForm(pack, by=User(pk=1))))

    assert field.kind == "choice"
    assert field.options == [("my_shop", "my_shop"), ("iPad-app", "iPad-app")]


def test_the_only_option_is_chosen_already() -> None:
    @procedure
    def single(ctx: Context, colour: Literal["red"]) -> None: ...

    field: Any = next(iter(StartForm(single, by=User(pk=1))))

    assert field.text == "red"
    assert '<option value="">' not in str(field)


def test_a_schema_nobody_foresaw_is_asked_as_json() -> None:
    strange: dict[str, Any] = {"anyOf": [{"type": "integer"}, {"type": "object"}]}

    assert kind_of(strange) == kind_of({}) == "json"


def test_a_list_of_many_rows_begins_with_a_hundred_at_most() -> None:
    row = {"type": "object", "properties": {"it": {"type": "string"}}}
    lines = {"type": "array", "items": row, "minItems": 10**9}
    builder = Builder()

    (rows,) = builder.entries_of({"type": "object", "properties": {"lines": lines}})

    assert isinstance(rows, Rows)
    assert (len(rows.rows), len(builder.fields)) == (100, 100)


def test_a_list_of_lists_of_rows_begins_with_what_a_page_can_send() -> None:
    one: dict[str, Any] = {"type": "string"}
    for _ in range(4):
        row = {"type": "object", "properties": {"it": one}}
        one = {"type": "array", "items": row, "minItems": 100}
    builder = Builder()

    builder.entries_of({"type": "object", "properties": {"lines": one}})

    assert 500 <= len(builder.fields) + builder.row_count < 510


def test_a_page_with_more_rows_than_it_could_send_is_drawn_without_them() -> None:
    row = {"type": "object", "properties": {str(n): {"type": "string"} for n in range(50)}}
    schema = {"type": "object", "properties": {"lines": {"type": "array", "items": row}}}
    builder = Builder(lambda name: [str(n) for n in range(900)] if name == "lines" else [])

    (rows,) = builder.entries_of(schema)

    assert isinstance(rows, Rows)
    assert (len(rows.rows), rows.is_full) == (20, True)


def test_a_form_with_many_fields_takes_no_more_rows() -> None:
    row = {"type": "object", "properties": {str(n): {"type": "string"} for n in range(50)}}
    schema = {"type": "object", "properties": {"lines": {"type": "array", "items": row}}}
    few, many = ([str(n) for n in range(count)] for count in (9, 10))

    for keys, is_full in ((few, False), (many, True)):
        builder = Builder(lambda name, keys=keys: keys if name == "lines" else [])  # type: ignore[misc]
        (rows,) = builder.entries_of(schema)
        assert isinstance(rows, Rows)
        assert rows.is_full is is_full


class Line(BaseModel):
    thing: str
    count: int = 1


class Tree(BaseModel):
    name: str
    branches: "list[Tree]" = []


@procedure
def with_rows(
    ctx: Context,
    lines: list[Line] = [Line(thing="lamp")],  # noqa: B006, B008 (the engine copies it)
    place: Address = Address(city="Ulm"),  # noqa: B008
    tree: Tree | None = None,
) -> None: ...


def test_a_row_added_after_the_last_one_was_dropped_is_empty() -> None:
    sent = {"place.city": "Ulm", "add-row": "lines"}
    form = StartForm(with_rows, by=User(pk=1), request=RequestFactory().post("/", sent))

    [key] = keys_of(form)
    assert key != "0"
    assert form[f"lines.{key}.thing"].value() == [""]
    assert form[f"lines.{key}.count"].value() == ["1"]
    assert form.layout.focus == f"lines.{key}.thing"
    request = RequestFactory().post("/", {**sent, "lines": ["0"]})
    assert keys_of(StartForm(with_rows, by=User(pk=1), request=request)) == ["0", key]


def keys_of(form: StartForm) -> list[str]:
    return [row.key for one in form.layout.parts if isinstance(one, Rows) for row in one.rows]


def test_nested_defaults_stand_in_the_form_and_are_sent_again() -> None:
    form = StartForm(with_rows, by=User(pk=1))
    assert form["lines.0.thing"].text == "lamp"  # type: ignore[attr-defined]
    assert form["place.city"].text == "Ulm"  # type: ignore[attr-defined]
    sent = {"lines": "0", "lines.0.thing": "shade", "lines.0.count": "2", "place.city": "Bonn"}

    form = StartForm(with_rows, by=User(pk=1), request=RequestFactory().post("/", sent))

    assert form.inputs() == {
        "lines": [{"thing": "shade", "count": 2}],
        "place": {"city": "Bonn"},
        "tree": None,
    }


def test_of_a_type_that_holds_itself_the_first_level_is_fields_and_the_rest_json() -> None:
    sent = {"tree": "true", "tree.name": "oak", "tree.branches": '[{"name": "twig"}]'}
    sent |= {"place.city": "Ulm"}

    form = StartForm(with_rows, by=User(pk=1), request=RequestFactory().post("/", sent))

    assert form["tree.name"].kind == "text"  # type: ignore[attr-defined]
    assert form.inputs()["tree"] == {"name": "oak", "branches": [{"name": "twig"}]}


def test_a_text_that_cannot_be_read_inside_of_an_input_is_its_only_fault() -> None:
    sent = {"tree": "true", "tree.name": "oak", "tree.branches": "[", "place.city": "Ulm"}
    form = StartForm(with_rows, by=User(pk=1), request=RequestFactory().post("/", sent))

    with pytest.raises(InputError) as refusal:
        form.inputs()

    assert refusal.value.faults == ()
    assert list(form.errors) == ["tree.branches"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-12-31T09:30:00+01:00", "2026-12-31T17:30"),
        ("2026-12-31T09:30:05Z", "2026-12-31T18:30:05"),
        ("2026-12-31T09:30", "2026-12-31T09:30"),
        ("2026-12-31T09:30:05.123456", "2026-12-31T09:30:05"),
        ("2026-12-31T09:30:00.5Z", "2026-12-31T18:30"),
        ("soon", "soon"),
    ],
)
def test_a_moment_stands_in_its_field_in_the_persons_zone(text: str, shown: str) -> None:
    with timezone.override("Asia/Tokyo"):
        widget = SchemaWidget("datetime-local", {"type": "string", "format": "date-time"})
        widget.has_zone = True
        assert widget.format_value([text]) == shown
