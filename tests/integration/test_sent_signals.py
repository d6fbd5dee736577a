"""Operators send signals from the run's page and from the admin, with a reason that is logged."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from procedures.models import Act, Run, Signal
from procedures.runner import advance_run
from procedures.services import cancel_run
from tests.calls import grant, run_until_it_waits
from tests.conftest import make_staff
from tests.operated import operated
from tests.pages import browser, shown
from tests.runs import status_of

pytestmark = pytest.mark.django_db(transaction=True)
DELIVERY = {"value.parcel": "P-7", "value.weight": "1.5", "value.arrives": ""}
REASON = {"reason": "The carrier called."}
ADMIN = "/admin/countersign_procedures/run/"


def page_of(run: Run) -> str:
    return f"/runs/{run.pk}/operations/signal"


@pytest.fixture
def run(operators: Group) -> Run:
    operated("waits_for_a_delivery", operators)
    return run_until_it_waits("waits_for_a_delivery")


def test_a_form_is_made_from_the_type_of_the_signal(run: Run, dave: User) -> None:
    page = browser(dave)
    assert page_of(run) in shown(page.get(f"/runs/{run.pk}"))
    form = shown(page.get(page_of(run)))
    assert all(f'name="{name}"' in form for name in DELIVERY)
    fields = {"-signal": "delivered", "-key": "once", **DELIVERY, **REASON}

    wrong = page.post(page_of(run), {**fields, "value.weight": "heavy"})
    assert wrong.status_code == 422
    assert "must be a number" in shown(wrong)
    without = page.post(page_of(run), {**fields, "reason": " "})
    assert (without.status_code, "Give a reason" in shown(without)) == (422, True)
    assert 'value="P-7"' in shown(without)
    assert not Signal.objects.exists()

    sent = page.post(page_of(run), fields, follow=True)
    assert "The signal was sent, and the run continues." in shown(sent)
    gone = page.post(page_of(run), fields)
    assert (gone.status_code, "no longer waits" in shown(gone)) == (409, True)
    advance_run(run.pk)

    ended = Run.objects.get(pk=run.pk)
    assert (ended.status, ended.result) == ("succeeded", '"P-7: 1.5 kg"')
    act = Act.objects.get(kind="verb")
    assert (act.name, act.words, act.reason) == (
        "dave",
        "Sent the signal delivered.",
        "The carrier called.",
    )
    assert act.about_id == str(run.pk)


def test_any_signal_is_sent_early_as_json_and_once(run: Run, dave: User) -> None:
    page = browser(dave)
    fields = {"-signal": "", "-name": "word", "-key": "k", "value": '{"paid": true}', **REASON}

    assert 'name="-name"' in shown(page.get(f"{page_of(run)}?signal="))
    assert "valid JSON" in shown(page.post(page_of(run), {**fields, "value": "{"}))
    assert "No run can wait" in shown(page.post(page_of(run), {**fields, "-name": ""}))
    for _ in range(2):
        assert page.post(page_of(run), fields).status_code == 302
    assert [(one.name, one.value) for one in Signal.objects.all()] == [("word", '{"paid":true}')]
    assert Act.objects.filter(kind="verb").count() == 1


def test_only_operators_do_and_only_while_the_run_takes_signals(
    run: Run, dave: User, alice: User, carol: User, support: Group
) -> None:
    grant("waits_for_a_delivery", support, "see")
    fields = {"-signal": "delivered", "-key": "k", **DELIVERY, **REASON}

    assert page_of(run) not in shown(browser(alice).get(f"/runs/{run.pk}"))
    assert browser(alice).post(page_of(run), fields).status_code == 403
    assert browser(carol).get(page_of(run)).status_code == 404
    assert browser(carol).post(page_of(run), fields).status_code == 404
    cancel_run(run.pk, by=dave, reason="Not needed.")
    late = browser(dave).post(page_of(run), fields)
    assert (late.status_code, "has ended" in shown(late)) == (409, True)
    assert not Signal.objects.exists()


def test_the_admin_sends_a_signal_to_several_runs(run: Run, admin_client: Client) -> None:
    runs = [run, run_until_it_waits("waits_for_a_delivery")]
    keys = [str(one.pk) for one in runs]
    act = {"action": "signal", "_selected_action": keys}
    form = shown(admin_client.post(ADMIN, act))
    assert 'name="signal_name"' in form
    assert 'name="key"' in form
    said = {"is_decided": "yes", "signal_name": "delivered", "key": "k", **REASON}

    wrong = admin_client.post(ADMIN, {**act, **said, "value": "{"})
    assert "valid JSON" in shown(wrong)
    value = '{"parcel": "P-8", "weight": "2"}'
    done = admin_client.post(ADMIN, {**act, **said, "value": value}, follow=True)
    assert shown(done).count("The signal was sent, and the run continues.") == 2
    for one in runs:
        advance_run(one.pk)
        assert status_of(one) == "succeeded"
    assert Act.objects.filter(kind="verb", reason="The carrier called.").count() == 2


def test_staff_without_the_right_to_operate_have_no_such_action(run: Run, carol: User) -> None:
    looking = browser(make_staff(carol, "view_run"))

    act = {"action": "signal", "_selected_action": [str(run.pk)], "is_decided": "yes"}
    looking.post(ADMIN, {**act, "signal_name": "delivered", "key": "k", "value": "1", **REASON})
    assert not Signal.objects.exists()
