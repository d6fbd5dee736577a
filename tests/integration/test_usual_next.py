"""The usual next request after an answer, as the inbox shows it below a request."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import HumanRequest
from chat.services import Answer, respond
from dashboard.overview.usual import FEWEST, RUNS, UsualSteps, usual_after
from procedures.models import ProcedureVersion, Run
from procedures.runner import advance_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def answerers(finance: Group) -> None:
    grant("paid_after_approval", finance, "answer")


def ask() -> HumanRequest:
    return request_of(run_until_it_waits("paid_after_approval"))


def run_with(answer: bool, *, by: User) -> None:  # noqa: FBT001
    request = ask()
    respond(request.pk, Answer(answer), by=by)
    advance_run(request.wait.run_id)


def test_what_followed_each_of_the_last_runs_is_said_below_the_request(
    bob: User, carol: User
) -> None:
    for _ in range(FEWEST - 1):
        run_with(True, by=bob)  # noqa: FBT003
    open_one = ask()
    assert usual_after(open_one) is None, "of too few runs"
    run_with(False, by=bob)  # noqa: FBT003
    assert usual_after(open_one) is None
    run_with(True, by=bob)  # noqa: FBT003

    with CaptureQueriesContext(connection) as captured:
        usual = usual_after(open_one)

    assert usual == UsualSteps("approved", ("pay_nine", "write_mail"), FEWEST)
    assert len(captured) == 1
    path, client = f"/requests/{open_one.pk}/usual", browser(bob)
    assert f'hx-get="{path}"' in shown(client.get("/inbox/?tab=groups"))
    text = shown(client.get(path))
    assert browser(carol).get(path).status_code == 404
    steps = "<bdi><code>pay_nine</code>, <code>write_mail</code></bdi>"
    assert f"Usually next after an approval: {steps} (in each of the last 5 runs)." in text


def test_what_differed_or_was_another_version_is_not_said(bob: User) -> None:
    for _ in range(RUNS):
        run_with(False, by=bob)  # noqa: FBT003
    open_one = ask()
    assert usual_after(open_one) == UsualSteps("rejected", ("tell_shop",), RUNS)

    newest = Run.objects.filter(status="succeeded").latest("pk")
    newest.events.filter(kind="step.succeeded").update(name="something_else")
    assert usual_after(open_one) is None
    newest.events.filter(kind="step.succeeded").update(name="tell_shop")
    other = ProcedureVersion.objects.exclude(pk=open_one.wait.run.version_id).latest("pk")
    Run.objects.filter(status="succeeded").update(version=other)
    assert usual_after(open_one) is None
