"""Services that write are refused outside a run's steps, where each replay would repeat them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction

from chat.models import Draft, HumanResponse, Session
from procedures import hooks
from procedures.engine.journal.events import RunStatus
from procedures.models import Run, RunInput, Signal
from procedures.runner import advance_run
from procedures.services import check_runs, start_run
from tests.calls import request_of, run_until_it_waits
from tests.procedures import CHANGED, SERVICES
from tests.runs import answer, error_of, status_of

pytestmark = pytest.mark.django_db(transaction=True)
WRITTEN: list[type[models.Model]] = [Run, RunInput, Session, Signal, HumanResponse, Draft]
REMEDY = "Call the service in a function that you pass to ctx.step."


def written() -> list[int]:
    return [model._default_manager.count() for model in WRITTEN]  # noqa: SLF001


def serving(service: str, where: str) -> Run:
    """A new run whose code calls the service on another run, which waits for an answer."""
    other = run_until_it_waits("question")
    inputs = {"service": service, "run": str(other.pk), "by": "admin", "where": where}
    return start_run("serving", inputs, by=None)[0]


@pytest.mark.parametrize("where", ["code", "transaction"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_writes_is_refused_outside_a_step(
    service: str, where: str, admin_user: User
) -> None:
    run = serving(service, where)
    before = written()

    advance_run(run.pk)

    assert status_of(run) == RunStatus.FAILED
    assert REMEDY in error_of(run)["message"]
    assert written() == before


def test_a_refusal_that_the_code_catches_writes_nothing_either(admin_user: User) -> None:
    run = serving("start", "caught")
    before = Run.objects.count()

    advance_run(run.pk)

    assert status_of(run) == RunStatus.WAITING
    assert Run.objects.count() == before


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_in_a_step_acts_once(service: str, admin_user: User) -> None:
    run = serving(service, "step")
    before = written()
    advance_run(run.pk)
    assert status_of(run) == RunStatus.WAITING
    assert written() != before

    answer(request_of(run), by=admin_user)
    before = written()
    advance_run(run.pk)

    assert status_of(run) == RunStatus.SUCCEEDED
    assert written() == before


@pytest.mark.parametrize("folder", ["procedures/services", "chat/services", "dashboard/accounts"])
def test_services_begin_their_transactions_where_this_is_refused(folder: str) -> None:
    files = [*(Path(settings.BASE_DIR) / folder).rglob("*.py")]

    assert files
    assert not [file for file in files if "transaction.atomic" in file.read_text()]


def test_a_receiver_may_start_a_run_in_the_commit_of_the_engine_and_after_it() -> None:
    def start(run: Run, **_: object) -> None:
        if run.procedure.name == "calling":
            start_run("doubled", {"number": 1}, by=None)
            transaction.on_commit(lambda: start_run("doubled", {"number": 2}, by=None))

    run, _ = start_run("calling", {"number": 4}, by=None)
    advance_run(run.pk)
    advance_run(Run.objects.get(parent_wait__run=run).pk)
    hooks.run_ended.connect(start)
    try:
        advance_run(run.pk)
    finally:
        hooks.run_ended.disconnect(start)

    assert status_of(run) == RunStatus.SUCCEEDED
    started = Run.objects.filter(procedure__name="doubled", parent_wait=None)
    assert [*started.order_by("pk").values_list("inputs", flat=True)] == [
        '{"asks":false,"number":1}',
        '{"asks":false,"number":2}',
    ]


@pytest.fixture
def changed() -> Iterator[list[str]]:
    yield CHANGED
    CHANGED.clear()


def test_a_check_of_changed_code_tells_of_the_service_and_starts_nothing(
    admin_user: User, changed: list[str]
) -> None:
    run = run_until_it_waits("changed_to_start", starter="admin")
    answer(request_of(run), by=admin_user)
    advance_run(run.pk)
    changed.append("now")
    before = Run.objects.count()

    [checked] = check_runs("changed_to_start")

    assert REMEDY in checked.blockers[0]
    assert Run.objects.count() == before
