"""The layout of a form: fields, groups of fields and lists of rows, nested as in the schema."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from django.http import QueryDict

from dashboard.forms.fields import SchemaField
from procedures.engine.values.answers import limits, without_nothing
from procedures.engine.values.new_forms import MOST_PARTS, rows_at_first
from procedures.engine.values.schemas import label
from procedures.engine.values.typed import (
    FieldKind,
    Texts,
    kind_for,
    kind_of,
    may_be_empty,
    may_be_left_out,
    row_keys,
    segment,
    texts_of,
)

ADD, DROP = "add-row", "drop-row"
"""The names of the buttons that add a row to a list, and that drop a row from it."""


@dataclass(frozen=True)
class FormEntry:
    """One entry of a form: a field, a group of fields, or a list of rows."""

    name: str
    """The name under which the page sends the texts of the entry."""
    kind: str = "field"


@dataclass(frozen=True)
class Container(FormEntry):
    """An entry that contains other entries: a group of fields or a list of rows."""

    label: str = ""
    help_text: str = ""
    limits: Sequence[str] = ()
    """The limits on the whole group or list, each as a sentence."""


@dataclass(frozen=True)
class FieldGroup(Container):
    """A group of fields that belong together."""

    entries: Sequence[FormEntry] = ()
    is_optional: bool = False
    """True if a checkbox says whether the group counts."""
    is_given: bool = True
    """True if the group counts: its checkbox is ticked, or the group has no checkbox."""
    kind: str = "group"


@dataclass(frozen=True)
class FormRow:
    """One row of a list: a group of fields."""

    name: str
    key: str
    number: int
    entries: Sequence[FormEntry]


@dataclass(frozen=True)
class Rows(Container):
    """A list of rows, to which people can add more."""

    rows: Sequence[FormRow] = ()
    is_full: bool = False
    """True if people can't add another row to the list."""
    kind: str = "rows"


@dataclass(frozen=True)
class RowChange:
    """A row that a person adds to a list or drops from it."""

    name: str
    """The name of the list to which the row belongs."""
    is_added: bool


@dataclass(frozen=True)
class Layout:
    """The entries of a form in their order, with their names."""

    entries: Sequence[FormEntry]
    names: Mapping[str, str] = field(default_factory=dict)
    """The name of each entry on the page, by its path in faults, such as "lines.0.price"."""
    focus: str = ""
    """The name of the field or list that gets the focus, because a row was added or dropped."""

    @property
    def parts(self) -> Iterator[Container]:
        """The groups and lists of the form, including those inside other groups and lists."""
        return parts_in(self.entries)


class FieldOptions(TypedDict):
    """The options of a field that follow from the schema of the object that contains the field."""

    initial: Sequence[str]
    required: bool
    kind: FieldKind


@dataclass
class Builder:
    """A builder of the fields and the layout of one form."""

    texts: Texts | None = None
    """A function that returns the texts that were sent under a name. None for a new form."""
    fields: dict[str, SchemaField] = field(default_factory=dict)
    """The fields that have been built, by their names on the page."""
    names: dict[str, str] = field(default_factory=dict)
    """The name of each entry on the page, by its path in faults, such as "lines.0.price"."""
    row_count: int = 0
    """The number of rows that have been built, including the rows inside other rows."""

    def layout(self, schema: Mapping[str, Any], change: RowChange | None = None) -> Layout:
        """Build the fields of the whole form, and return its layout."""
        entries = self.entries_of(schema)
        focus = _focus(entries, change) if change else ""
        return Layout(entries, self.names, focus)

    def entries_of(
        self, schema: Mapping[str, Any], given: Any = None, *, path: str = "", place: str = ""
    ) -> list[FormEntry]:
        """Return the entries for the properties of an object, and build their fields.

        `given` is the default value of the object. `path` is the prefix of the entries' names on
        the page, and `place` is the prefix of their paths in faults.
        """
        values = given if isinstance(given, Mapping) else {}
        return [
            self._entry(schema, name, values, path=path, place=place)
            for name in schema.get("properties", {})
        ]

    def _entry(
        self,
        schema: Mapping[str, Any],
        name: str,
        values: Mapping[str, Any],
        *,
        path: str,
        place: str,
    ) -> FormEntry:
        one, at = schema["properties"][name], path + segment(name)
        value = values.get(name, one.get("default"))
        is_required = name in schema.get("required", ())
        self.names[place + name] = at
        match kind_of(one):
            case "group":
                return self._group(one, name, at, place + name, value, is_required=is_required)
            case "rows":
                return self._rows(one, name, at, place + name, value)
        initial = texts_of(value, one)
        options: FieldOptions = {
            "initial": initial,
            "required": not may_be_empty(name, schema),
            "kind": kind_for(one, [*initial, *(self.texts(at) if self.texts else ())]),
        }
        self._add(at, one, name, options)
        return FormEntry(at)

    def _add(self, at: str, schema: Mapping[str, Any], name: str, field: FieldOptions) -> None:
        """Add the field for the property `name`. The page sends its texts under the name `at`."""
        self.fields[at] = SchemaField(label(name, schema), schema, **field)

    def _group(
        self,
        schema: Mapping[str, Any],
        name: str,
        at: str,
        place: str,
        value: Any,
        *,
        is_required: bool,
    ) -> FieldGroup:
        is_optional = may_be_left_out(schema, is_required=is_required)
        ticked = any(self.texts(at)) if self.texts else value is not None
        plain = without_nothing(schema)
        return FieldGroup(
            at,
            label=label(name, schema),
            help_text=str(schema.get("description", "")),
            entries=self.entries_of(plain, value, path=f"{at}.", place=f"{place}."),
            is_optional=is_optional,
            is_given=ticked or not is_optional,
        )

    def _rows(self, schema: Mapping[str, Any], name: str, at: str, place: str, value: Any) -> Rows:
        plain = without_nothing(schema)
        values = value if isinstance(value, list) else []
        count = rows_at_first(plain, values)
        keys = row_keys(self.texts(at)) if self.texts else [str(one) for one in range(count)]
        rows: list[FormRow] = []
        for number, key in enumerate(keys):
            if self._is_too_large():
                break
            self.row_count += 1
            entries = self.entries_of(
                plain["items"],
                values[number] if number < len(values) else None,
                path=f"{at}.{key}.",
                place=f"{place}.{number}.",
            )
            rows.append(FormRow(f"{at}.{key}", key, number + 1, entries))
        most = plain.get("maxItems", MOST_FIELDS)
        return Rows(
            at,
            label=label(name, schema),
            help_text=str(schema.get("description", "")),
            limits=[sentence.replace("Choose", "Give") for sentence in limits(plain)],
            rows=rows,
            is_full=len(rows) >= most or len(self.fields) >= MOST_FIELDS,
        )

    def _is_too_large(self) -> bool:
        """Return True if the form has too many fields and rows to get another row.

        A form that was sent may have more fields and rows than a new form.
        """
        most = MOST_SENT if self.texts else MOST_PARTS
        return len(self.fields) + self.row_count >= most


MOST_FIELDS = 500
"""A form with this number of fields or more offers no button that adds a row."""
MOST_SENT = 1_000
"""The maximum number of fields and rows in a form that was sent. Django refuses larger forms."""


def fields_in(entries: Sequence[FormEntry]) -> Iterator[str]:
    """Yield the names of all fields in these entries, including the fields in groups and rows."""
    for one in entries:
        if isinstance(one, FieldGroup):
            yield from fields_in(one.entries)
        elif isinstance(one, Rows):
            for row in one.rows:
                yield from fields_in(row.entries)
        else:
            yield one.name


def parts_in(entries: Sequence[FormEntry]) -> Iterator[Container]:
    """Yield the groups and lists in these entries, including those inside other parts."""
    for one in entries:
        inner = [one.entries] if isinstance(one, FieldGroup) else []
        if isinstance(one, Rows):
            inner = [row.entries for row in one.rows]
        if isinstance(one, Container):
            yield one
        for below in inner:
            yield from parts_in(below)


def _focus(entries: Sequence[FormEntry], change: RowChange) -> str:
    """Return the name of the first field in the new row.

    If a row was dropped, return the list's name.
    """
    found = [one for one in parts_in(entries) if one.name == change.name]
    rows = found[0].rows if found and isinstance(found[0], Rows) else ()
    if change.is_added and rows:
        return next(fields_in(rows[-1].entries), change.name)
    return change.name


def prefill_row(
    typed: QueryDict, prefix: str, builder: Builder, change: RowChange | None, layout: Layout
) -> None:
    """Add the defaults of a new row's fields to the texts that the page has sent."""
    if change is None or not change.is_added:
        return
    for part in layout.parts:
        if isinstance(part, Rows) and part.name == change.name and part.rows:
            for name in fields_in(part.rows[-1].entries):
                typed.setlist(prefix + name, list(builder.fields[name].initial))


def change_rows(typed: QueryDict, prefix: str) -> RowChange | None:
    """Add or drop a row in the texts that the page has sent, if the button for this was pressed.

    Return the change, or None if no such button was pressed.
    """
    if added := _pressed(typed, ADD):
        keys = row_keys(typed.getlist(prefix + added))
        new = max((int(key) for key in keys), default=-1) + 1
        typed.setlist(prefix + added, [*keys, str(new)])
        return RowChange(added, is_added=True)
    if dropped := _pressed(typed, DROP):
        name, _, gone = dropped.rpartition(".")
        keys = row_keys(typed.getlist(prefix + name))
        typed.setlist(prefix + name, [key for key in keys if key != gone])
        return RowChange(name, is_added=False)
    return None


def _pressed(typed: QueryDict, button: str) -> str:
    """Return the value that a pressed button has sent, and remove it from `typed`.

    Return "" if the button wasn't pressed.
    """
    value = str(typed.get(button, ""))
    typed.pop(button, None)
    return value
