"""Each field that an auditor reads, changed by SQL: verification names the row and the field."""

# ruff: noqa: SLF001 (the fields are those of the models)

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, models, transaction

from chat.models import RequestEvent, StandingDecision
from chat.services import Answer, StandingLimits, respond
from procedures.models import Event, Head, Run
from procedures.models.clock import clock
from procedures.services import start_run
from procedures.services.ledger import examine
from tests.audited_story import finish, story
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person, group

AUDITED = [
    *(
        "countersign_procedures.Run",
        "countersign_procedures.Wait",
        "countersign_procedures.RunInput",
        "countersign_procedures.Signal",
    ),
    *(
        "countersign_procedures.Artifact",
        "countersign_procedures.Event",
        "countersign_procedures.Head",
    ),
    *("countersign_chat.Session", "countersign_chat.Member", "countersign_chat.Message"),
    *(
        "countersign_chat.HumanRequest",
        "countersign_chat.Assignment",
        "countersign_chat.HumanResponse",
        "countersign_chat.RequestEvent",
        "countersign_chat.StandingDecision",
    ),
]
NOT_HISTORY = {
    "countersign_procedures.Procedure": "registered from the code anew at each start",
    "countersign_procedures.ProcedureVersion": "registered from the code, named by the journal",
    "countersign_procedures.Grant": "what people may do now; Django's log has who changed it",
    "countersign_procedures.Installation": "what the site is now",
    "countersign_procedures.ChosenRun": "what a job is about to do; it is deleted afterwards",
    "countersign_procedures.StoppedStarts": "what the site takes now; the log says who did it",
    "countersign_procedures.Retention": "how long runs are kept now; the log says who did it",
    "countersign_procedures.LegalHold": "what is held now; the log says who did it",
    "countersign_procedures.RemovalRound": "how far the removal of old runs is now",
    "countersign_procedures.StaleContent": "which contents may be deleted soon",
    "countersign_procedures.Tombstone": "no run is left: the verification of the site reads it",
    "countersign_chat.RemovedRequest": "leads from an old link to a tombstone",
    "countersign_procedures.Act": "the site's log has a chain of its own, `verify_log`",
    "countersign_procedures.LogHead": "the head of that chain",
    "countersign_chat.Decision": "the rows of HumanResponse, as auditors read them",
    "countersign_chat.SessionEvent": "tells browsers what to look at again",
    "countersign_chat.Delegation": "who may answer for whom now",
    "countersign_chat.Draft": "what somebody is typing now",
    "countersign_chat.ReadMark": "what somebody has read, which nothing depends on",
    "countersign_chat.Snooze": "what somebody does not want to see now",
    "countersign_chat.Notification": "the delivery of what a request or a message says",
    "countersign_chat.Presence": "who looks at a page now",
    "countersign_chat.FeedEntry": "finds a session for a list, and shows and decides nothing",
    "countersign_chat.RunAudience": "finds a session for a list, and shows and decides nothing",
    "countersign_chat.Searchable": "finds a text for a search, and decides nothing",
    "countersign_chat.SharedRun": "finds a run for a list, and shows and decides nothing",
}
MOST_OTHERS = 4
"""Other rows that a column is made to name: of hundreds the first and the last."""
KEYS, NOW = "by it other rows and the events find this one", "what a worker or the queue does now"
PROOF = "the seals themselves: without them nothing is proven, and verification says so"
DERIVED = "a count or link that the engine keeps for its own work, and no page shows"
UNCOVERED = {
    "countersign_procedures.Run": {
        "id": KEYS,
        **dict.fromkeys(("epoch", "leased_until", "wake_at", "ends_at", "queued_at"), NOW),
        **dict.fromkeys(("working_on", "working_attempt", "working_since", "reached_at"), NOW),
        **dict.fromkeys(("is_left_without_storage", "paused_as"), NOW),
        "is_asking": DERIVED,
    },
    "countersign_procedures.Wait": {
        "id": KEYS,
        **dict.fromkeys(("begun", "ended", "is_behind", "part_of"), DERIVED),
    },
    "countersign_procedures.Event": {"id": "the number in the journal counts"},
    "countersign_procedures.Head": {"run": KEYS, "epoch": NOW, "claims": NOW},
    "countersign_chat.Session": {"id": KEYS, "last_seq": DERIVED},
    "countersign_chat.Message": {"id": KEYS},
    "countersign_chat.HumanRequest": {
        "id": KEYS,
        **dict.fromkeys(("version", "is_unasked"), DERIVED),
        **dict.fromkeys(("notify_at", "next_at"), "when it is told"),
    },
    **{
        name: {"id": KEYS}
        for name in (
            "countersign_procedures.RunInput",
            "countersign_procedures.Signal",
            "countersign_procedures.Artifact",
        )
    },
    **{
        name: {"id": KEYS}
        for name in (
            "countersign_chat.HumanResponse",
            "countersign_chat.RequestEvent",
        )
    },
    "countersign_chat.Member": {"id": KEYS, "in_crowd": DERIVED},
    "countersign_chat.StandingDecision": {
        "id": KEYS,
        **dict.fromkeys(("revoked_at", "revoked_by"), "what its giver and operators decide now"),
    },
    "countersign_chat.Assignment": {
        "id": KEYS,
        **dict.fromkeys(("is_open", "procedure", "due_at"), DERIVED),
    },
}


def uncovered(label: str, field: str) -> str | None:
    return PROOF if field.endswith("proof") else UNCOVERED.get(label, {}).get(field)


def test_every_model_and_every_exception_is_declared() -> None:
    found = {
        m._meta.label
        for app in ("countersign_procedures", "countersign_chat")
        for m in apps.get_app_config(app).get_models()
    }
    assert found == {*AUDITED, *NOT_HISTORY}
    for label, reasons in UNCOVERED.items():
        names = {field.name for field in apps.get_model(label)._meta.concrete_fields}
        assert names >= set(reasons), label


def faults_of_all() -> list[str]:
    return [fault for run in Run.objects.order_by("pk") for fault in examine(run).faults]


def others(row: models.Model, field: Any) -> list[Any]:
    """Other values for a column than the one that the row has: one of them fits the table."""
    value = getattr(row, field.attname)
    if field.is_relation:
        rows = field.related_model._default_manager.exclude(pk=value).order_by("pk")
        keys = list(rows.values_list("pk", flat=True))
        return keys if len(keys) <= MOST_OTHERS else [*keys[:2], *keys[-2:]]
    emptied = [None] if field.null and value is not None else []
    return [other(value, field), *emptied]


def other(value: Any, field: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(field, models.DateTimeField):
        return (value or datetime(2026, 1, 5, tzinfo=UTC)) + timedelta(hours=1)
    if isinstance(field, models.IntegerField):
        return 7
    if isinstance(field, models.GenericIPAddressField):
        return "192.0.2.8"
    is_full = field.max_length is not None and len(value or "") >= field.max_length
    return f"x{value[1:]}" if is_full else f"{value or ''}x"


def is_named(row: models.Model, field: Any) -> bool:
    """Change one column of one row by SQL, ask for a verdict, and change it back."""
    meta, quote = row._meta, connection.ops.quote_name
    column, key = quote(field.column), quote(meta.pk.column)
    statement = f"UPDATE {quote(meta.db_table)} SET {column} = %s WHERE {key} = %s"  # noqa: S608
    run = run_of(row)
    pk = meta.pk.get_db_prep_value(row.pk, connection)
    for value in others(row, field):
        point = transaction.savepoint()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, [field.get_db_prep_value(value, connection), pk])
            if not any(names(one, row, field.name) for one in told_of(run)):
                return False
        except IntegrityError:  # the database does not take it
            continue
        finally:
            transaction.savepoint_rollback(point)
    return True


def run_of(row: Any) -> Any:
    """The run whose verdict is about the row."""
    if isinstance(row, Run):
        return row
    if run := getattr(row, "run", None):
        return run
    if isinstance(row, StandingDecision):
        return row.given_with.wait.run
    if hasattr(row, "wait"):
        return row.wait.run
    return row.request.wait.run if getattr(row, "request", None) else Run.objects.order_by("pk")[0]


def told_of(run: Run) -> Iterator[str]:
    """Faults of that run, then of the others: the row may belong to one of these now."""
    yield from examine(run).faults
    for other in Run.objects.exclude(pk=run.pk).order_by("pk"):
        yield from examine(other).faults


@pytest.fixture(scope="module")
def audited(module_rows: None) -> UUID:
    """A run that waits for its last answer, beside another that has begun."""
    alice = create_person("alice", group("support"))
    bob = create_person("bob", group("finance"))
    dave = create_person("dave", group("operators"))
    run = story(alice, bob, dave)
    start_run("audited", {"note": "other"}, by=dave)
    assert faults_of_all() == []
    return run.pk


@pytest.mark.parametrize(
    ("is_over", "place"),
    [
        (False, "newest"),
        (True, "oldest"),
        *(
            pytest.param(*one, marks=pytest.mark.soak)
            for one in ((False, "oldest"), (True, "newest"))
        ),
    ],
)
@pytest.mark.parametrize("label", AUDITED)
@pytest.mark.usefixtures("db")
def test_each_changed_field_is_named(
    label: str, place: str, audited: UUID, *, is_over: bool
) -> None:
    """The newest rows are of what waits, the oldest of what was answered, while a run goes on."""
    if is_over:
        finish(Run.objects.get(pk=audited), User.objects.get(username="dave"))
        assert faults_of_all() == []
    if label == StandingDecision._meta.label:
        decide_in_advance(User.objects.get(username="bob"))
    rows = apps.get_model(label)._default_manager.order_by("pk")
    row = rows[0] if place == "oldest" else rows.reverse()[0]

    fields = [one for one in row._meta.concrete_fields if uncovered(label, one.name) is None]

    assert fields
    assert [field.name for field in fields if not is_named(row, field)] == []


def decide_in_advance(giver: User) -> None:
    grant("alike", group("finance"), "answer")
    also = StandingLimits(2, clock.now() + timedelta(days=1))
    answer = Answer(value=True, channel="page", also=also)
    respond(request_of(run_until_it_waits("alike")).pk, answer, by=giver)


def names(fault: str, row: models.Model, field: str) -> bool:
    if isinstance(
        row, Event | Head | RequestEvent
    ):  # the chain tells that an event is not as it was written
        return "vent" in fault
    if field == "begun" and "its count of started children" in fault:
        return True
    return f": the field {field} " in fault or f": its {field} " in fault
