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
    change: RowChange | None = None
    """The row that a person adds or drops."""
    added: FormRow | None = None
    """The row that was added; None if none was, or if the form is too large for it."""

    def layout(self, schema: Mapping[str, Any], change: RowChange | None = None) -> Layout:
        """Build the fields of the whole form, and return its layout."""
        self.change = change
        entries = self.entries_of(schema)
        first = next(fields_in(self.added.entries), "") if self.added else ""
        return Layout(entries, self.names, first or (change.name if change else ""))

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
        first = {str(number): one for number, one in enumerate(values)}
        count = rows_at_first(plain, values)
        keys = row_keys(self.texts(at)) if self.texts else [str(one) for one in range(count)]
        new = self._new_key(at, [*first, *keys])
        rows: list[FormRow] = []
        for number, key in enumerate([*keys, *new]):
            if self._is_too_large():
                break
            self.row_count += 1
            entries = self.entries_of(
                plain["items"],
                first.get(key),
                path=f"{at}.{key}.",
                place=f"{place}.{number}.",
            )
            rows.append(FormRow(f"{at}.{key}", key, number + 1, entries))
            self.added = rows[-1] if key in new else self.added
        most = plain.get("maxItems", MOST_FIELDS)
        return Rows(
            at,
            label=label(name, schema),
            help_text=str(schema.get("description", "")),
            limits=[sentence.replace("Choose", "Give") for sentence in limits(plain)],
            rows=rows,
            is_full=len(rows) >= most or len(self.fields) >= MOST_FIELDS,
        )

    def _new_key(self, at: str, used: Sequence[str]) -> list[str]:
        """Return the key of the row that a person adds to the list called `at`; else nothing.

        A row that was there at first has its first values by its key. So no other row gets the key,
        also after the row was dropped.
        """
        if not (self.change and self.change.is_added and self.change.name == at):
            return []
        return [str(max(map(int, used), default=-1) + 1)]

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


def prefill_row(typed: QueryDict, prefix: str, builder: Builder) -> None:
    """Add the key of a new row, and the defaults of its fields, to the texts that were sent."""
    if builder.change is None or builder.added is None:
        return
    typed.appendlist(prefix + builder.change.name, builder.added.key)
    for name in fields_in(builder.added.entries):
        typed.setlist(prefix + name, list(builder.fields[name].initial))


def change_rows(typed: QueryDict, prefix: str) -> RowChange | None:
    """Return the row to add or drop, if a button for this was pressed; None if none was.

    A row to drop is dropped from the texts that the page has sent. `prefill_row` adds a row to them
    once its list has been built.
    """
    if added := _pressed(typed, ADD):
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
