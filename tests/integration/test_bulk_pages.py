"""The pages from which people act on all runs that match a filter."""

import pytest
from django.contrib.auth.models import Group, User

from dashboard.admin import search
from dashboard.admin.operations import MOST_ROWS
from dashboard.overview.operations import operations_for
from procedures.models import Run
from procedures.services import NotAllowedError, cancel_run, find_startable, verification
from tests.calls import grant
from tests.conftest import make_staff
from tests.many_runs import copies_of, questions
from tests.pages import browser, shown
from tests.runs import status_of
from tests.working import work_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def dave_operates(operators: Group) -> None:
    grant("question", operators, "operate")


def test_jobs_are_in_no_catalogue_and_start_only_on_their_own_pages(
    dave: User, alice: User
) -> None:
    boss = User.objects.create_superuser("boss")
    starters = Group.objects.create(name="starters")
    starters.user_set.add(alice)
    grant("act_on_runs", starters, "start")
    for person in (dave, alice, boss):
        assert "act_on_runs" not in shown(browser(person).get("/"))
        assert "act_on_runs" not in shown(browser(person).get("/procedures"))
        assert browser(person).get("/procedures/act_on_runs").status_code == 404
    job, _is_new = verification.verify_soon(by=boss)
    offered = {one.name for one in operations_for(boss, job)}
    assert "cancel" in offered
    assert offered.isdisjoint({"restart", "fork"})
    for name, place in (
        ("act_on_runs", "“Act on all that match…”"),
        ("verify_site", "Verification"),
    ):
        with pytest.raises(NotAllowedError, match=place):
            find_startable(name, by=boss)


def test_operators_act_on_all_matching_runs_from_the_list(dave: User, alice: User) -> None:
    runs, client, page = questions(2), browser(dave), "/runs/matching?procedure=question"
    cancel_run(runs[0].pk, by=dave, reason="Before.")

    assert "/runs/matching?procedure=question" in shown(client.get("/runs?procedure=question"))
    assert "/runs/matching" not in shown(browser(alice).get("/runs"))
    told = shown(client.get(page))
    assert "1 run can be cancelled." in told
    assert "1 has ended and stays as it is." in told
    assert "0 runs can be cancelled." in shown(browser(alice).get(page))
    assert "Cancel 1 run</button>" in told
    ending = shown(client.get(f"{page}&operation=force_end"))
    assert "End 1 run at once</button>" in ending
    without = client.post(page, {"operation": "cancel"})
    assert (without.status_code, status_of(runs[1])) == (422, "waiting")
    assert "Give a reason." in shown(without)
    for address, operation in ((f"{page}&state=peple", "cancel"), (page, "cancle"), (page, "")):
        wrong = client.post(address, {"operation": operation, "reason": "Over."})
        assert (wrong.status_code, status_of(runs[1])) == (404, "waiting")
    assert not Run.objects.filter(procedure__name="act_on_runs").exists()
    sent = client.post(f"{page}&state=people", {"operation": "cancel", "reason": "Over."})
    job = Run.objects.get(procedure__name="act_on_runs")
    assert sent.headers["Location"] == f"/runs/{job.pk}"
    assert job.subject == "Cancel 1 run: procedure question, state waiting for people"
    work_off()
    assert status_of(runs[1]) == "cancelled"
    told = shown(client.get(f"/runs/{job.pk}"))
    assert "Cancel 1 run" in told
    assert "/procedures/act_on_runs" not in told
    refused = browser(alice).post(page, {"operation": "cancel", "reason": "Over."})
    assert "No run that you may operate matches now." in shown(refused)


def test_the_admin_leads_there_when_all_matching_rows_are_selected(
    dave: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_staff(dave, "view_run", "operate_run")
    [first], client = questions(1), browser(dave)
    runs = [first, *copies_of(first, MOST_ROWS)]
    page = "/admin/countersign_procedures/run/?status__exact=waiting"
    every = {"action": "cancel", "select_across": "1", "_selected_action": str(first.pk)}

    listed = shown(client.post(page, every))
    assert f"{MOST_ROWS + 1} runs can be cancelled." in listed
    assert "The search finds at most" not in listed
    copies_of(first, 5)  # in a session that is called "Many runs", as that of the copies before
    monkeypatch.setattr(search, "MOST_FOUND", MOST_ROWS + 2)
    found = shown(client.post(f"{page}&q=Many", every))
    assert f"{MOST_ROWS + 2} runs can be cancelled." in found
    assert f"The search finds at most the newest {MOST_ROWS + 2} runs" in found
    assert f"The search finds at most the newest {MOST_ROWS + 2} rows" in shown(
        client.get(f"{page}&q=Many")
    )
    sent = client.post(page, {**every, "is_decided": "yes", "reason": "Over.", "key": "a\0"})
    job = Run.objects.get(procedure__name="act_on_runs")
    assert job.subject == f"Cancel {MOST_ROWS + 6} runs: status waiting"
    assert sent.headers["Location"] == f"/runs/{job.pk}"
    work_off()
    assert {
        *Run.objects.filter(pk__in=[one.pk for one in runs]).values_list("status", flat=True)
    } == {"cancelled"}
    again = client.post(page, {**every, "is_decided": "yes", "reason": "Over.", "key": "b"})
    assert again.status_code == 302
