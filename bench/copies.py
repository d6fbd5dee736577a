"""Copies of rows by bulk: each with other keys, times and people, in no statement of its own."""

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

from chat.models import HumanRequest
from procedures.models import Run

RANDOM = (1 << 62) - 1
STRIDE = 0x1E3779B97F4A7C15
"""An odd number, by whose multiples the random bits of an id differ in each copy."""
FULL = 20_000
"""The number of rows of a table that are sent together."""
UUIDS = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
KEPT = {"Procedure", "ProcedureVersion", "Grant", "Installation", "Presence"}
"""The models whose rows belong to no run."""
Model = type[models.Model]
Words = Sequence[tuple[str, str]]
"""Words of the texts, each with the one that a copy has instead; the same words in each copy."""


def copied_models() -> list[Model]:
    """Return the models of runs and chat."""
    labels = ("countersign_procedures", "countersign_chat")
    found = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return [model for model in found if model.__name__ not in KEPT]


class Known:
    """The keys of the rows that were there before, by which new ones are found."""

    def __init__(self) -> None:
        self._keys = {
            model: set(model._base_manager.values_list("pk", flat=True))  # noqa: SLF001
            for model in copied_models()
        }

    @transaction.atomic
    def take_new(self) -> dict[Model, list[Any]]:
        """Return the rows that were added since, and remove them from the database."""
        rows: dict[Model, list[Any]] = {}
        for model, before in self._keys.items():
            found = model._base_manager.order_by("pk")  # noqa: SLF001
            rows[model] = [row for row in found if row.pk not in before]
        with connection.cursor() as cursor:
            for model, taken in rows.items():
                key = next(field for field in fields_of(model) if field.primary_key)
                cells = [(key.get_db_prep_value(row.pk, connection),) for row in taken]
                table = table_of(model)
                cursor.executemany(f'DELETE FROM "{table}" WHERE "{key.column}" = %s', cells)
        return {model: taken for model, taken in rows.items() if taken}


class Originals:
    """The rows of an exemplar, prepared to be copied."""

    def __init__(self, rows: Mapping[Model, Sequence[Any]], words: Sequence[str]) -> None:
        self.words = words
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
        self.began_ms = min(one.int for one in self.ids) >> 80
        self.began: datetime = min(run.created_at for run in rows[Run]).astimezone(UTC)
        self.runs, self.requests = len(rows[Run]), len(rows.get(HumanRequest, ()))
        self.events = sum(len(found) for model, found in rows.items() if model.__name__ == "Event")
        self.plans = [(model, [Plan(row, self) for row in found]) for model, found in rows.items()]


class Move:
    """The values of one copy that differ from the original's."""

    def __init__(
        self, originals: Originals, number: int, at: datetime, people: Mapping[Any, Any]
    ) -> None:
        shift = (int(at.timestamp() * 1000) - originals.began_ms) << 80
        chance = number * STRIDE
        self.ids = [
            UUID(int=((one.int + shift) & ~RANDOM) | ((one.int + chance) & RANDOM))
            for one in originals.ids
        ]
        self.texts = [str(one) for one in self.ids]
        self.keys = self.texts if is_postgres() else [one.hex for one in self.ids]
        self.later = at - originals.began
        self.people = people


class Plan:
    """A row to copy: its values, and how those that differ are made."""

    def __init__(self, row: models.Model, originals: Originals) -> None:
        self._originals = originals
        self._ids: list[tuple[int, int]] = []
        self._numbers: list[tuple[int, Model, int]] = []
        self._times: list[tuple[int, datetime]] = []
        self._people: list[tuple[int, Any]] = []
        self._texts: list[tuple[int, list[int], list[tuple[str, int]]]] = []
        self._values: list[Any] = []
        for place, field in enumerate(fields_of(type(row))):
            value = getattr(row, field.attname)
            self._plan(place, field, value)
            self._values.append(cell(value))

    def moved(self, move: Move, starts: Mapping[Model, int], words: Words) -> Any:
        """Return the row of a copy as it is sent: a line for PostgreSQL, or else a tuple."""
        values = self._values.copy()
        for place, one in self._ids:
            values[place] = move.keys[one]
        for place, model, number in self._numbers:
            values[place] = cell(starts[model] + number)
        for place, at in self._times:
            values[place] = str(at + move.later)
        for place, person in self._people:
            values[place] = cell(move.people.get(person, person))
        for place, which, ids in self._texts:
            text = values[place]
            for one in which:
                text = text.replace(*words[one])
            for old, one in ids:
                text = text.replace(old, move.texts[one])
            values[place] = text
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
        which = [number for number, word in enumerate(self._originals.words) if word in text]
        places = self._originals.places
        ids = [(one, places[UUID(one)]) for one in UUIDS.findall(text) if UUID(one) in places]
        if which or ids:
            self._texts.append((place, which, ids))


class Copier:
    """Copies originals, and sends the rows of each table together."""

    def __init__(self) -> None:
        self._starts: dict[Model, int] = {}
        for model in copied_models():
            keys = model._base_manager.order_by("-pk").values_list("pk", flat=True)  # noqa: SLF001
            last = keys.first()
            self._starts[model] = (last if isinstance(last, int) else 0) + 1
        self._rows: dict[Model, list[Any]] = {model: [] for model in self._starts}
        self._copies = 0

    def copy(
        self, originals: Originals, at: datetime, people: Mapping[Any, Any], words: Words
    ) -> None:
        """Copy the originals as if they had begun at that time; `people` maps users to others."""
        self._copies += 1
        move = Move(originals, self._copies, at, people)
        copies = [
            (model, [plan.moved(move, self._starts, words) for plan in plans])
            for model, plans in originals.plans
        ]
        for model, rows in copies:
            self._rows[model] += rows
            self._starts[model] += len(rows)
            if len(self._rows[model]) >= FULL:
                self._send(model)

    def finish(self) -> None:
        """Send the rest, and let the database number and plan by what it holds now."""
        for model in self._rows:
            self._send(model)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), copied_models()):
                cursor.execute(statement)
            cursor.execute("ANALYZE")

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
    """Open a cursor in a transaction that checks no reference: rows come table by table.

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
    """Return a value as it is sent."""
    if not is_postgres():
        return value.hex if isinstance(value, UUID) else value
    return r"\N" if value is None else str(value).translate(ESCAPED)
