"""Forks in the database: their files, their rows, and who may make them."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest
from chat.models.session import session_of
from chat.services import Answer, respond
from dashboard.overview import line_of, run_overview
from procedures.engine.lifecycle.fork import ForkRefusedError
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import (
    ForkPoint,
    KeyReusedError,
    NotAllowedError,
    cancel_run,
    fork_run,
    start_run,
    verify_journal,
)
from tests.calls import request_of, run_until_it_waits
from tests.configured import configure
from tests.runs import everything_about

pytestmark = pytest.mark.django_db


def forked(run: Run, at: str, by: User, **more: Any) -> Run:
    fork, _is_new = fork_run(run.pk, ForkPoint(at, **more), by=by, reason="Otherwise.")
    return fork


def carried_on(run: Run) -> Run:
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def ended(name: str, by: User, **inputs: Any) -> Run:
    run, _is_new = start_run(name, inputs, by=by)
    return carried_on(run)


def test_a_fork_is_a_run_of_its_own_in_the_session_of_its_origin(admin_user: User) -> None:
    origin = ended("two_steps", admin_user)
    before = everything_about(origin)

    fork = forked(origin, "send", admin_user)

    assert (fork.origin, fork.forked_at, fork.seed) == (origin, "send", origin.seed)
    assert session_of(fork) == session_of(origin)
    assert carried_on(fork).status == "succeeded"
    assert fork.result == origin.result
    assert not verify_journal(fork)
    assert everything_about(origin) == before


def test_a_place_is_named_by_its_key_or_by_the_number_of_an_event(admin_user: User) -> None:
    origin = ended("two_steps", admin_user)
    second = origin.events.get(key="send")

    assert forked(origin, str(second.seq), admin_user).forked_at == "send"
    with pytest.raises(ForkRefusedError, match="a step or wait called '1'"):
        forked(origin, "1", admin_user)


def test_files_and_large_values_that_were_kept_are_reached(admin_user: User, settings: Any) -> None:
    configure(settings, LARGE_VALUE_BYTES=3)
    origin = ended("two_files", admin_user)

    early, late = forked(origin, "other", admin_user), forked(origin, "read", admin_user)

    assert [file.name for file in early.artifacts.all()] == ["list.txt"]
    assert {file.name for file in late.artifacts.all()} == {"list.txt", "other.txt"}
    assert carried_on(late).result == origin.result


def test_a_long_journal_is_taken_over_whole(admin_user: User) -> None:
    origin = ended("many_quick_steps", admin_user, times=1100)

    fork = forked(origin, "last", admin_user)

    assert not verify_journal(fork)
    assert fork.carried_seq == origin.events.get(key="last").seq - 1
    assert carried_on(fork).result == origin.result
    assert fork.events.filter(kind="step.succeeded").count() == 1101


@pytest.mark.parametrize("keep_answers", [True, False])
def test_an_answer_is_shown_with_the_run_that_it_was_given_to(
    admin_user: User,
    keep_answers: bool,  # noqa: FBT001
) -> None:
    origin = run_until_it_waits("going_shopping", by=admin_user)
    respond(request_of(origin).pk, Answer(value=True), by=admin_user)
    carried_on(origin)

    fork = carried_on(forked(origin, "buy", admin_user, keep_answers=keep_answers))

    assert HumanRequest.objects.filter(wait__run=fork).count() == (0 if keep_answers else 1)
    assert fork.waits.count() == 1
    overview = run_overview(fork)
    [question] = [drawn.row for drawn in overview["rows"] if drawn.row.kind == "question"]
    assert question.closed.get("carried_from") == (str(origin.pk) if keep_answers else None)
    assert question.is_open != keep_answers
    assert bool(overview["asking"]) != keep_answers


def test_who_forked_and_why_is_told(admin_user: User) -> None:
    fork = forked(ended("two_steps", admin_user), "send", admin_user)

    said = fork.events.get(kind="operator")
    assert said.seq == fork.carried_seq + 1
    words = str(line_of(said).words)
    assert words.startswith("admin forked the run ")
    assert words.endswith(" at send: “Otherwise.”")


def test_only_who_may_start_the_procedure_forks_its_runs(admin_user: User, carol: User) -> None:
    origin = ended("two_steps", admin_user)

    with pytest.raises(NotAllowedError, match="permission to start"):
        forked(origin, "send", carol)

    assert Run.objects.count() == 1


def test_the_same_key_gives_the_same_fork(admin_user: User) -> None:
    origin = ended("two_steps", admin_user)

    def fork(at: str) -> tuple[Run, bool]:
        parting = ForkPoint(at)
        return fork_run(origin.pk, parting, by=admin_user, reason="Otherwise.", idempotency_key="a")

    first, is_new = fork("send")
    assert is_new
    assert fork("send") == (first, False)
    with pytest.raises(KeyReusedError):
        fork("pack")


def test_a_fork_of_what_is_about_to_be_undone_is_refused(admin_user: User) -> None:
    origin = run_until_it_waits("compensating", by=admin_user)
    cancel_run(origin.pk, by=admin_user, reason="Enough.")

    with pytest.raises(ForkRefusedError, match="has been or will be undone"):
        forked(origin, "approve", admin_user)
