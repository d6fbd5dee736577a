"""Operators fork and restart a run from its page."""

import pytest
from django.contrib.auth.models import Group, User

from procedures.models import Run
from tests import procedures
from tests.operated import failed, operated, perform, words_of
from tests.pages import shown
from tests.runs import everything_about

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


def test_a_fork_begins_at_the_chosen_step_and_only_once(dave: User, operators: Group) -> None:
    operated("broken_child", operators, "start")
    run = failed()
    before = everything_about(run)

    assert words_of(dave, run, "fork", at="mend") == [
        "A new run starts at mend. 1 step before it is kept.",
        "That step and everything after it run again.",
        "This run stays as it is.",
    ]
    fields = {"at": "mend", "keep_answers": "on", "-key": "once"}
    first, second = (perform(dave, run, "fork", **fields) for _ in range(2))

    made = Run.objects.get(origin=run)
    assert first.headers["Location"] == second.headers["Location"] == f"/runs/{made.pk}"
    assert (made.forked_at, made.started_by) == ("mend", dave)
    assert everything_about(run) == before
    wrong = perform(dave, run, "fork", at="nowhere")
    assert wrong.status_code == 422
    assert "called &#x27;nowhere&#x27;" in shown(wrong)


def test_a_run_is_restarted_with_a_changed_input(dave: User, operators: Group) -> None:
    operated("broken_child", operators, "start")
    run = failed()

    response = perform(dave, run, "restart", inputs='{"number": 7}')

    made = Run.objects.get(origin=run)
    assert response.headers["Location"] == f"/runs/{made.pk}"
    assert '"number":7' in made.inputs
    for inputs in ("[]", "{", '{"number": "many"}', '{"nonsense": 1}'):
        refused = perform(dave, run, "restart", inputs=inputs)
        assert refused.status_code == 422, inputs
    assert Run.objects.filter(origin=run).count() == 1


def test_whoever_may_not_start_it_can_neither_fork_nor_restart(
    dave: User, operators: Group
) -> None:
    operated("broken_child", operators)
    run = failed()

    for name in ("fork", "restart"):
        assert perform(dave, run, name, at="mend").status_code == 403
    assert Run.objects.count() == 1
