"""Bulk copies of rows, with other keys, times and people, many rows to a statement."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, models, transaction

from bench.feed import analyze, empty_feed, rebuild_feed
from chat.models import HumanRequest, Searchable
from procedures.models import Run

RANDOM = (1 << 62) - 1
STRIDE = 0x1E3779B97F4A7C15
"""An odd number, by whose multiples the random bits of an id differ in each copy."""
FULL = 20_000
"""The number of rows of a table that are sent together."""
UUIDS = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PERSON = r"\b(?:user|member|writer):\d+\b"
"""A person as texts name them by their key."""
EPOCH = datetime.fromtimestamp(0, UTC)
ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
KEPT = {
    *(
        "Act",
        "ChosenRun",
        "Delegation",
        "Grant",
        "Installation",
        "LogHead",
        "Presence",
        "Procedure",
    ),
    *("LegalHold", "ProcedureVersion", "RemovalRound", "RemovedRequest", "Retention"),
    *("StaleContent", "StoppedStarts", "Tombstone"),
}
"""The models whose rows belong to no run."""
REBUILT = {"FeedEntry", "RunAudience"}
"""The models whose rows follow from others; they are made at the end."""
Model = type[models.Model]


def copied_models() -> list[Model]:
    """Return the models of runs and chat."""
    labels = ("countersign_procedures", "countersign_chat")
    found = [model for label in labels for model in apps.get_app_config(label).get_models()]
    tables = [model for model in found if not model._meta.proxy]  # noqa: SLF001 (documented)
    return [model for model in tables if model.__name__ not in KEPT | REBUILT]


class Known:
    """The keys of the rows that exist already, by which new rows are recognized."""

    def __init__(self) -> None:
        self._keys = {
            model: set(model._base_manager.values_list("pk", flat=True))  # noqa: SLF001
            for model in copied_models()
        }

    @transaction.atomic
    def take_new(self) -> dict[Model, list[Any]]:
        """Return the rows that have been added since, and remove them from the database."""
        rows: dict[Model, list[Any]] = {}
        for model, before in self._keys.items():
            found = model._base_manager.order_by("pk")  # noqa: SLF001
            rows[model] = [row for row in found if row.pk not in before]
        with connection.cursor() as cursor:
            empty_feed(cursor)
            for model, taken in rows.items():
                keys = model._meta.pk_fields  # noqa: SLF001 (documented)
                where = " AND ".join(f'"{key.column}" = %s' for key in keys)
                cells = [
                    [key.get_db_prep_value(getattr(row, key.attname), connection) for key in keys]
                    for row in taken
                ]
                cursor.executemany(f'DELETE FROM "{table_of(model)}" WHERE {where}', cells)
        return {model: taken for model, taken in rows.items() if taken}


class Originals:
    """The rows of an exemplar, prepared to be copied."""

    def __init__(
        self, rows: Mapping[Model, Sequence[Any]], people: Sequence[Any], words: Sequence[str]
    ) -> None:
        keys = [row.pk for found in rows.values() for row in found]
        self.ids = list(dict.fromkeys(key for key in keys if isinstance(key, UUID)))
        self.places = {key: place for place, key in enumerate(self.ids)}
        self.numbers = {
            (model, row.pk): place
            for model, found in rows.items()
            for place, row in enumerate(found)
            if isinstance(row.pk, int)
        }
        self.numbered = {model for model, _ in self.numbers}
        self.people = people
        self.slots = [*words, *map(str, self.ids), *(f":{person}" for person in people)]
        """The parts of texts that differ in each copy."""
        self.parts = re.compile("|".join([*map(re.escape, words), UUIDS, PERSON]))
        self.began_ms = min(one.int for one in self.ids) >> 80
        self.began: datetime = min(run.created_at for run in rows[Run]).astimezone(UTC)
        self.runs, self.requests = len(rows[Run]), len(rows.get(HumanRequest, ()))
        self.events = sum(len(found) for model, found in rows.items() if model.__name__ == "Event")
        self.plans = [(model, [Plan(row, self) for row in found]) for model, found in rows.items()]


class Move:
    """The values of one copy that differ from the original's."""

    def __init__(
        self,
        originals: Originals,
        number: int,
        at: datetime,
        people: Mapping[Any, Any],
        words: Sequence[str],
    ) -> None:
        shift = (int(at.timestamp() * 1000) - originals.began_ms) << 80
        chance = number * STRIDE
        self.ids = [
            UUID(int=((one.int + shift) & ~RANDOM) | ((one.int + chance) & RANDOM))
            for one in originals.ids
        ]
        texts = [str(one) for one in self.ids]
        self.keys = texts if is_postgres() else [one.hex for one in self.ids]
        self.slots = [*words, *texts, *(f":{people[person]}" for person in originals.people)]
        self.later = at - originals.began
        self.people = people


class Plan:
    """A row to copy: its values, and how each value that differs in a copy is made."""

    def __init__(self, row: models.Model, originals: Originals) -> None:
        self._originals = originals
        self._ids: list[tuple[int, int]] = []
        self._numbers: list[tuple[int, Model, int]] = []
        self._times: list[tuple[int, datetime]] = []
        self._people: list[tuple[int, Any]] = []
        self._texts: list[tuple[int, list[str | int]]] = []
        self._values: list[Any] = []
        self._text: list[str | int] = []
        """The parts of the text of a row for the search, whose other columns follow from it."""
        for place, field in enumerate(fields_of(type(row))):
            value = getattr(row, field.attname)
            self._plan(place, field, value)
            self._values.append(cell(value))
        if isinstance(row, Searchable):
            self._text = self._parts_of(row.text)

    def moved(self, move: Move, starts: Mapping[Model, int]) -> Any:
        """Return the row of a copy as it is sent: as a line to PostgreSQL, otherwise as a tuple."""
        values = self._values.copy()
        for place, one in self._ids:
            values[place] = move.keys[one]
        for place, model, number in self._numbers:
            values[place] = cell(starts[model] + number)
        for place, at in self._times:
            values[place] = str(at + move.later)
        for place, person in self._people:
            values[place] = cell(move.people.get(person, person))
        for place, parts in self._texts:
            values[place] = "".join(
                part if isinstance(part, str) else move.slots[part] for part in parts
            )
        if self._text:
            text = "".join(one if isinstance(one, str) else move.slots[one] for one in self._text)
            new = Searchable.new("", text, at=EPOCH)
            values[-3:] = [cell(one) for one in (new.text, new.folded, new.grams)]
        return "\t".join(values) if is_postgres() else tuple(values)

    def _plan(self, place: int, field: Any, value: Any) -> None:
        target = field.related_model if field.is_relation else None
        if isinstance(value, UUID) and value in self._originals.places:
            self._ids.append((place, self._originals.places[value]))
        elif isinstance(value, datetime):
            self._times.append((place, value.astimezone(UTC).replace(tzinfo=None)))
        elif target is User:
            self._people.append((place, value))
        elif isinstance(value, str):
            self._plan_text(place, value)
        elif isinstance(value, int):
            model = target or (field.model if field.primary_key else None)
            if model in self._originals.numbered:
                self._numbers.append((place, model, self._originals.numbers[model, value]))

    def _plan_text(self, place: int, text: str) -> None:
        parts = self._parts_of(text)
        if any(isinstance(one, int) for one in parts):
            cells = [cell(one) if isinstance(one, str) else one for one in parts]
            self._texts.append((place, cells))

    def _parts_of(self, text: str) -> list[str | int]:
        """Return the parts of a text in their order; a part that differs in copies as its slot."""
        parts: list[str | int] = []
        end = 0
        for found in self._originals.parts.finditer(text):
            kind, mark, key = found[0].partition(":")
            if mark + key in self._originals.slots or found[0] in self._originals.slots:
                parts.append(text[end : found.start()])
                parts += [kind] if mark else []
                parts.append(self._originals.slots.index(mark + key if mark else kind))
                end = found.end()
        return [*parts, text[end:]]


class Copier:
    """A copier of originals, which sends the copied rows of each table together."""

    def __init__(self) -> None:
        self._starts: dict[Model, int] = {}
        for model in copied_models():
            keys = model._base_manager.order_by("-pk").values_list("pk", flat=True)  # noqa: SLF001
            last = keys.first()
            self._starts[model] = (last if isinstance(last, int) else 0) + 1
        self._rows: dict[Model, list[Any]] = {model: [] for model in self._starts}
        self._copies = 0

    def copy(
        self, originals: Originals, at: datetime, people: Mapping[Any, Any], words: Sequence[str]
    ) -> None:
        """Copy the originals as if they had begun at that time, with other people and texts."""
        self._copies += 1
        move = Move(originals, self._copies, at, people, words)
        copies = [
            (model, [plan.moved(move, self._starts) for plan in plans])
            for model, plans in originals.plans
        ]
        for model, rows in copies:
            self._rows[model] += rows
            self._starts[model] += len(rows)
            if len(self._rows[model]) >= FULL:
                self._send(model)

    def finish(self) -> None:
        """Send the remaining rows, then update the database's sequences and statistics."""
        for model in self._rows:
            self._send(model)
        rebuild_feed()
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), copied_models()):
                cursor.execute(statement)
        analyze()

    def _send(self, model: Model) -> None:
        rows, self._rows[model] = self._rows[model], []
        if not rows:
            return
        names = [field.column for field in fields_of(model)]
        columns = ", ".join(f'"{name}"' for name in names)
        with without_references() as cursor:
            if is_postgres():
                statement = f'COPY "{table_of(model)}" ({columns}) FROM STDIN'
                with cursor.cursor.copy(statement) as copy:
                    copy.write("\n".join(rows) + "\n")
            else:
                marks = ", ".join("%s" for _ in names)
                cursor.executemany(
                    f'INSERT INTO "{table_of(model)}" ({columns}) VALUES ({marks})', rows
                )


@contextmanager
def without_references() -> Iterator[Any]:
    """Open a cursor in a transaction without checks of foreign keys, as tables are filled in turn.

    On PostgreSQL this takes a superuser.
    """
    unchecked = connection.constraint_checks_disabled()
    with unchecked, transaction.atomic(), connection.cursor() as cursor:
        if is_postgres():
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        yield cursor


def table_of(model: Model) -> str:
    return model._meta.db_table  # noqa: SLF001 (documented)


def fields_of(model: Model) -> Sequence[Any]:
    return model._meta.concrete_fields  # noqa: SLF001 (documented)


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def cell(value: Any) -> Any:
    """Return a value in the form in which it is sent to the database."""
    if not is_postgres():
        return value.hex if isinstance(value, UUID) else value
    return r"\N" if value is None else str(value).translate(ESCAPED)
