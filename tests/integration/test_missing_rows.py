"""Rows taken out, put in, copied, exchanged or emptied by SQL: verification tells of each."""

# ruff: noqa: S608, SLF001 (tables and fields are those of the models)

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, models, transaction

from chat.models import Message, Session
from chat.services import Answer, respond
from procedures.engine.journal.seals import EMPTY
from procedures.engine.values import canonical
from procedures.models import Run
from procedures.models.ids import uuid7
from procedures.services.ledger import examine, examine_site
from tests.audited_story import carry_on, family, finish, story
from tests.calls import request_of
from tests.conftest import create_person, group
from tests.integration.test_proven_rows import AUDITED, run_of

FEW, SOME, MOST = 2, 4, pytest.param(8, marks=pytest.mark.soak)
"""The numbers of rows of each table that are tried, of the oldest runs and of the newest."""
UNNAMED_KEYS = {
    *("countersign_procedures.Event", "countersign_procedures.Artifact"),
    *("countersign_chat.Member", "countersign_chat.Assignment", "countersign_chat.HumanResponse"),
}
COUNTED = [label for label in AUDITED if label != "countersign_chat.StandingDecision"]
"""The tables whose rows can't be taken back: each use of a decision is in the history."""
SEALED = [label for label in AUDITED if hasattr(apps.get_model(label), "proof")]


@pytest.fixture(scope="module")
def site(module_rows: None) -> UUID:
    """A site with runs of every kind: one that has ended, and families that go on."""
    alice = create_person("alice", group("support"))
    bob = create_person("bob", group("finance"))
    dave = create_person("dave", group("operators"))
    finish(story(alice, bob, dave), dave)
    family(alice, bob, dave)
    run = family(alice, bob, dave)
    assert told() == []
    return run.pk


@pytest.fixture
def kept(site: UUID, db: None) -> Run:
    return Run.objects.get(pk=site)


def told() -> list[str]:
    return list(telling(None))


def telling(row: Any) -> Iterator[str]:
    """The faults that verification finds: of the row's run first, then of the newest run."""
    own: Any = (first_run_of(row) or run_of(row)).pk if row else uuid7()
    for run in Run.objects.filter(pk=own):
        yield from examine(run).faults
    others = Run.objects.exclude(pk=own).order_by("-pk")
    for run in others[:1]:
        yield from examine(run).faults
    yield from map(str, examine_site())
    for run in others[1:]:
        yield from examine(run).faults


def first_run_of(row: Any) -> Run | None:
    """The run that opened the row's session, if it has one."""
    session = row if isinstance(row, Session) else getattr(row, "session", None)
    card = session and Message.objects.cards().filter(session=session).first()
    return card.run if card else None


def rows_of(label: str, most: int = SOME) -> list[Any]:
    """Rows of the oldest runs and of the newest."""
    rows = list(apps.get_model(label)._default_manager.order_by("pk"))
    oldest = max(most // 4, 1)
    return rows if len(rows) <= most else [*rows[:oldest], *rows[oldest - most :]]


def cells_of(row: models.Model) -> dict[str, Any]:
    fields = row._meta.concrete_fields
    return {f.column: f.get_db_prep_value(getattr(row, f.attname), connection) for f in fields}


def execute(statement: str, cells: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, cells)


def delete(row: models.Model) -> None:
    meta = row._meta
    key = meta.pk.get_db_prep_value(row.pk, connection)
    execute(f"DELETE FROM {meta.db_table} WHERE {meta.pk.column} = %s", [key])


def insert(row: models.Model, cells: dict[str, Any]) -> None:
    columns, places = ", ".join(cells), ", ".join(["%s"] * len(cells))
    statement = f"INSERT INTO {row._meta.db_table} ({columns}) VALUES ({places})"
    execute(statement, list(cells.values()))


def update(row: models.Model, **cells: Any) -> None:
    meta = row._meta
    places = ", ".join(f"{column} = %s" for column in cells)
    key = meta.pk.get_db_prep_value(row.pk, connection)
    execute(
        f"UPDATE {meta.db_table} SET {places} WHERE {meta.pk.column} = %s", [*cells.values(), key]
    )


@contextmanager
def undone() -> Iterator[None]:
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def is_told(row: models.Model, change: Callable[[], None], *, said: str = "") -> bool:
    """Return True if verification reports a change, or the database refuses it; it is undone."""
    with undone():
        try:
            change()
        except DatabaseError:
            return True
        return any(said in fault for fault in telling(row))


@pytest.mark.parametrize("most", [SOME, MOST])
@pytest.mark.parametrize("label", COUNTED)
def test_each_row_that_is_taken_out_is_missed(label: str, most: int, kept: Run) -> None:
    rows = rows_of(label, most)
    assert rows
    assert [str(row) for row in rows if not is_told(row, lambda: delete(row))] == []  # noqa: B023


@pytest.mark.parametrize("most", [FEW, MOST])
@pytest.mark.parametrize("label", COUNTED)
def test_each_row_that_is_put_in_is_told(label: str, most: int, kept: Run) -> None:
    """Each in several ways: the same for another run, request or person, or with a later number."""
    rows, model = rows_of(label, most), apps.get_model(label)
    fields = [one for one in model._meta.concrete_fields if one.is_relation]
    unseen = []
    for row in rows:
        cells = cells_of(row)
        cells[model._meta.pk.column] = new_key(row)
        copies = [cells, *moved(cells, fields)]
        copies += [{**one, "seq": one["seq"] + 1000} for one in copies if "seq" in one]
        unseen += [(str(row), one) for one in copies if not is_told(row, lambda: insert(row, one))]  # noqa: B023
    assert unseen == []


def new_key(row: models.Model) -> Any:
    if isinstance(row.pk, UUID):
        return row._meta.pk.get_db_prep_value(uuid7(), connection)
    return row.pk + 100_000 if isinstance(row.pk, int) else row.pk


def moved(cells: dict[str, Any], fields: Sequence[Any]) -> list[dict[str, Any]]:
    """The same for another run, request, session or person."""
    found = []
    for field in fields:
        others = field.related_model._default_manager.order_by("-pk").values_list("pk", flat=True)
        keys = [field.get_db_prep_value(pk, connection) for pk in others[:2]]
        found += [{**cells, field.column: key} for key in keys if key != cells[field.column]]
    return found


@pytest.mark.parametrize("most", [SOME, MOST])
@pytest.mark.parametrize("label", COUNTED)
def test_rows_that_are_exchanged_are_told(label: str, most: int, kept: Run) -> None:
    rows = rows_of(label, most)
    pairs = [*pairwise(rows), (rows[0], rows[-1])]
    unseen = [
        (str(one), str(other))
        for one, other in pairs
        if is_of_note(one, other) and not is_told(one, lambda: exchange(one, other))  # noqa: B023
    ]
    assert unseen == []


def exchange(one: models.Model, other: models.Model) -> None:
    """Each stands under the other's key."""
    pk, mine, theirs = one._meta.pk.column, cells_of(one), cells_of(other)
    delete(one)
    delete(other)
    insert(one, {**mine, pk: theirs[pk]})
    insert(other, {**theirs, pk: mine[pk]})


def is_of_note(one: Any, other: Any) -> bool:
    """Keys that nothing names and that order nothing tell nobody anything."""
    if one._meta.label == "countersign_procedures.RunInput":
        return one.run_id == other.run_id and {one.kind, other.kind} == {"operator"}
    if one._meta.label == "countersign_chat.RequestEvent":  # its number counts
        return False
    if one._meta.label == "countersign_procedures.Signal":
        return bool(one.run_id == other.run_id)
    return one._meta.label not in UNNAMED_KEYS


@pytest.mark.parametrize("most", [FEW, MOST])
@pytest.mark.parametrize("label", SEALED)
def test_a_field_that_is_emptied_with_its_seal_is_named(label: str, most: int, kept: Run) -> None:
    unseen = []
    for row in rows_of(label, most):
        seals = canonical.plain(row.proof)
        for name in set(seals) & {field.name for field in row._meta.concrete_fields}:
            field = row._meta.get_field(name)
            can_be_empty = field.null or isinstance(field, models.TextField | models.CharField)
            if getattr(row, field.attname) in EMPTY or not can_be_empty:
                continue
            empty = None if field.null else ""
            proof = canonical.text_of({key: one for key, one in seals.items() if key != name})
            change = {field.column: empty, "proof": proof}
            said = f": the field {name} "
            if not is_told(row, lambda: update(row, **change), said=said):  # noqa: B023
                unseen.append((str(row), name))
    assert unseen == []


def test_what_is_missing_is_named(kept: Run) -> None:
    words = [
        message
        for message in rows_of("countersign_chat.Message")
        if message.text == "The last word."
    ]
    with undone():
        delete(words[-1])
        # The text by which it is found, too: the database refuses to commit that it is left behind.
        [left, fault] = told()
        assert fault.startswith(f"Chat session {words[-1].session_id}: its count of messages is ")
        assert ", but these are missing: " in fault
        assert left.startswith("Searched text ")
        assert left.endswith(": the field message refers to a row that doesn't exist.")
        with pytest.raises(DatabaseError):
            connection.check_constraints()
    told_last = kept.run_inputs.filter(kind="operator", taken_at=None).latest("pk")
    with undone():
        delete(told_last)
        assert told() == [
            f"Run {kept.pk}: its count of signals and operations is 3, but these are missing: 3."
        ]
    answered = kept.run_inputs.filter(kind="wait.closed").exclude(taken_at=None)[0]
    with undone():
        delete(answered)
        place = (
            f"Run input wait.closed {answered.key}, journaled at {answered.taken_at}: the field run"
        )
        assert [fault for fault in told() if fault.startswith(place)]
    with undone():
        [asked, *_] = kept.waits.get(request__status="open").request.assignments.all()
        delete(asked)
        assert (
            f"its assignments were changed after they were written: {asked.whom} is missing."
            in told()[0]
        )
    with undone():
        delete(kept.artifacts.get())
        assert told()[0].startswith("File paper.txt: the field digest was changed")


def test_a_deleted_account_or_group_is_no_forgery(kept: Run) -> None:
    newcomer = User.objects.create_user("newcomer")
    request = kept.waits.get(request__status="open").request
    request.ask_too(
        [apps.get_model("countersign_chat.Assignment")(user=newcomer)], note="", notify_at=None
    )
    assert told() == []

    newcomer.delete()

    assert told() == []


def test_what_was_forged_before_it_was_sealed_anew_stays_found_out(kept: Run) -> None:
    signal = kept.signals.earliest("pk")
    update(signal, value="99")
    signal.refresh_from_db()

    signal.wait, signal.skipped = None, "It does not fit."
    signal.save_proven("wait", "skipped")

    assert (
        f"Signal {signal.pk}: the field value was changed after it was written."
        in examine(kept).faults
    )


def test_an_open_status_that_was_changed_is_named(kept: Run) -> None:
    runs = list(Run.objects.filter(ended_at=None))
    assert {run.status for run in runs} == {"waiting"}
    for run in runs:
        for status in ("queued", "running", "retrying", "paused"):
            named = f"Run {run.pk}: the field status was changed after it was written."
            assert is_told(run, lambda: update(run, status=status), said=named)  # noqa: B023


def test_the_command_tells_of_rows_that_belong_to_no_run(kept: Run) -> None:
    call_command("verify_journal", verbosity=0)
    with undone():
        delete(kept)
        with pytest.raises(CommandError, match="rows that belong to no run"):
            call_command("verify_journal", verbosity=0)


def test_a_sound_family_is_sound_to_its_end(kept: Run) -> None:
    assert examine(kept).older == []

    respond(request_of(kept).pk, Answer(value="Yes."), by=User.objects.get(username="bob"))
    carry_on(kept)

    assert kept.status == "succeeded"
    assert told() == []
    assert examine(kept).older == []
