"""New runs of the same procedure, from the start, with the inputs of an earlier one."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError

from chat.access import messages_in
from chat.models import Member, Session
from chat.models.session import session_of
from chat.services import invite, post_message, remove_member
from dashboard.overview import line_of
from procedures import hooks
from procedures.engine.errors import InputError
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore
from procedures.models import Run
from procedures.services import (
    KeyReusedError,
    NotAllowedError,
    OperationRefusedError,
    restart_run,
    start_run,
    verify_journal,
)
from procedures.services.ledger import examine
from tests.calls import grant, run_until_it_waits
from tests.runs import everything_about

pytestmark = pytest.mark.django_db


@pytest.fixture
def origin(alice: User, admin_user: User) -> Run:
    """A run in alice's session, with a file among its inputs."""
    with use_file_store(ContentStore()):
        paper = File.store("list.txt", "milk")
    started: dict[str, Any] = {"count": 3, "price": "2.50", "paper": paper}
    run = run_until_it_waits("typed_inputs", by=admin_user, **started)
    grant("typed_inputs", alice.groups.get(), "start", "operate")
    return run


def restarted(run: Run, by: User, **more: Any) -> Run:
    return restart_run(run.pk, by=by, reason="The list was wrong.", **more)[0]


@pytest.mark.parametrize("status", ["waiting", "failed", "succeeded", "cancelled", "quarantined"])
def test_whatever_became_of_a_run_it_is_started_anew_and_left_as_it_is(
    origin: Run, alice: User, status: str
) -> None:
    Run.objects.filter(pk=origin.pk).update(status=status)
    before = everything_about(origin)

    run = restarted(origin, alice)

    assert (run.status, run.origin, run.started_by) == ("queued", origin, alice)
    assert (run.inputs, run.seed == origin.seed) == (origin.inputs, False)
    assert run.artifacts.get().as_file().name == "list.txt"
    assert everything_about(origin) == before


def test_who_did_it_and_why_stands_in_the_new_journal(origin: Run, alice: User) -> None:
    run = restarted(origin, alice, inputs={"count": 4})

    started, said = run.events.order_by("seq")
    content = started.content
    proof, files = content.pop("proof"), content.pop("files")
    given = run.artifacts.get()
    assert files == [{"digest": given.digest, "name": "list.txt"}]
    assert content == {"by": "alice", "by_id": alice.pk, "code": run.version.version}
    assert {"inputs", "origin_id"} <= {*proof}
    assert said.content == {
        "action": "restart",
        "by": "alice",
        "by_id": alice.pk,
        "reason": "The list was wrong.",
        "from": str(origin.pk),
        "changed_inputs": ["count"],
    }
    words = str(line_of(said).words)
    assert words.startswith("alice restarted the run ")
    assert words.endswith(": “The list was wrong.”")
    assert not verify_journal(run)


def test_inputs_that_are_named_take_the_place_of_the_old_ones(origin: Run, alice: User) -> None:
    run = restarted(origin, alice, inputs={"price": Decimal("9.75"), "paper": None})

    assert '"count":3' in run.inputs
    assert '"price":"9.75"' in run.inputs
    assert not run.artifacts.exists()


@pytest.mark.parametrize("inputs", [{"count": "many"}, {"colour": "red"}])
def test_inputs_that_do_not_fit_start_nothing(
    origin: Run, alice: User, inputs: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        restarted(origin, alice, inputs=inputs)

    assert Run.objects.count() == 1


def test_a_reference_to_somebody_elses_file_is_no_file(origin: Run, alice: User) -> None:
    kept = vars(origin.artifacts.get().as_file())

    with pytest.raises(InputError, match="send a file"):
        restarted(origin, alice, inputs={"paper": kept})


def test_a_kept_input_that_the_code_takes_no_more_is_left_out(origin: Run, alice: User) -> None:
    Run.objects.filter(pk=origin.pk).update(inputs='{"colour":"red","count":3}')

    assert "colour" not in restarted(origin, alice).inputs


def test_a_kept_input_that_no_longer_fits_must_be_given_anew(origin: Run, alice: User) -> None:
    Run.objects.filter(pk=origin.pk).update(inputs='{"count":"three"}')

    with pytest.raises(InputError) as refusal:
        restarted(origin, alice)

    assert [fault.field for fault in refusal.value.faults] == ["count"]
    assert '"count":3' in restarted(origin, alice, inputs={"count": 3}).inputs


def test_it_joins_the_session_of_its_origin_and_makes_nobody_a_member(
    origin: Run, alice: User, bob: User, admin_user: User
) -> None:
    session = Session.objects.get(pk=session_of(origin))
    joined, _ = invite(session.pk, alice, by=admin_user)
    restarted(origin, alice)
    remove_member(session.pk, joined.pk, by=admin_user)
    grant("typed_inputs", bob.groups.get(), "start", "operate")
    said = post_message(session, "Not for those who operate it", by=admin_user)

    # Somebody who was removed, and somebody who never was a member.
    runs = [restarted(origin, one) for one in (alice, bob)]

    assert {session_of(run) for run in runs} == {session.pk}
    assert [member.user for member in Member.objects.all()] == [admin_user]
    for user, run in zip((alice, bob), runs, strict=True):
        seen = messages_in(session, user)
        assert seen.filter(run=run).exists()
        assert said not in seen
    assert examine(origin).faults == []
    Member.objects.all().delete()
    assert len(examine(origin).faults) == 1


def test_who_may_not_see_the_session_gets_another_one(origin: Run, bob: User) -> None:
    grant("typed_inputs", bob.groups.get(), "start")

    assert session_of(restarted(origin, bob)) != session_of(origin)


def test_only_who_may_start_the_procedure_and_says_why_may_restart(
    origin: Run, carol: User, alice: User
) -> None:
    with pytest.raises(NotAllowedError, match="permission to start"):
        restarted(origin, carol)
    with pytest.raises(OperationRefusedError, match="Give a reason"):
        restart_run(origin.pk, by=alice, reason=" ")

    assert Run.objects.count() == 1


def test_the_same_key_gives_the_same_run(origin: Run, alice: User, admin_user: User) -> None:
    first = restart_run(origin.pk, by=alice, reason="Again.", idempotency_key="a")
    assert restart_run(origin.pk, by=alice, reason="Again.", idempotency_key="a") == (
        first[0],
        False,
    )

    with pytest.raises(KeyReusedError):
        restart_run(origin.pk, by=alice, reason="Again.", inputs={"count": 4}, idempotency_key="a")
    with pytest.raises(KeyReusedError):
        restart_run(first[0].pk, by=alice, reason="Again.", idempotency_key="a")
    with pytest.raises(KeyReusedError):
        start_run("typed_inputs", {"count": 3}, by=alice, idempotency_key="a")


def test_without_a_key_no_other_run_is_given_whatever_is_refused(
    alice: User, support: Group
) -> None:
    grant("two_steps", support, "start")
    start_run("two_steps", {}, by=alice)

    def refuse(**_: object) -> None:
        raise IntegrityError("Something is there already.")

    hooks.run_started.connect(refuse)
    try:
        with pytest.raises(IntegrityError):
            start_run("two_steps", {}, by=alice)
    finally:
        hooks.run_started.disconnect(refuse)


def test_a_child_is_restarted_as_a_run_of_its_own(admin_user: User) -> None:
    parent = run_until_it_waits("calling", by=admin_user, number=4, asks=True)
    child = Run.objects.get(parent_wait__run=parent)

    run = restarted(child, admin_user)

    assert (run.parent_wait, run.depth) == (None, 0)
    assert session_of(run) == session_of(parent)
