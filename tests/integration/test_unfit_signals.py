"""A signal that came early, and cannot be read, holds its run until an operator lets it go on."""

from django.contrib.auth.models import User

from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import Sent, override_run, send_signal, start_run


def carried_on(run: Run) -> str:
    advance_run(run.pk)
    run.refresh_from_db()
    return run.status


def test_operators_have_the_next_one_waited_for(dave: User, admin_user: User) -> None:
    run = start_run("paid_amount", {}, by=admin_user)[0]
    send_signal(run.pk, Sent("paid", "p-1", "much"), by=admin_user)
    carried_on(run)
    assert carried_on(run) == "quarantined"

    override_run(run.pk, by=dave, reason="It was sent wrongly.")
    assert carried_on(run) == "waiting"
    send_signal(run.pk, Sent("paid", "p-2", 31), by=admin_user)

    assert carried_on(run) == "succeeded"
    assert run.result == "31"
