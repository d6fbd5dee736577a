"""Site managers preview and set retentions, and place and release legal holds."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import Decision, HumanRequest, HumanResponse
from dashboard.accounts.standard_groups import fill_standard_groups
from dashboard.admin.addresses import page_address
from dashboard.models import StandardGroup
from procedures.models import Act, LegalHold, Procedure, Retention, Run, Tombstone
from procedures.models.clock import clock
from procedures.services.retention.holds import removed_sentence
from procedures.services.retention.rounds import remove_old_runs
from tests.audited_story import finish, story
from tests.conftest import create_person, make_staff
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
PAGE = "/admin/retention/"
OF = "/admin/retention/procedures/audited/"


@pytest.fixture
def run(alice: User, bob: User, dave: User) -> Run:
    """A run that ended 31 days ago."""
    found = story(alice, bob, dave)
    finish(found, dave)
    clock.ahead += timedelta(days=31)
    return found


@pytest.fixture
def manager(db: None) -> Client:
    fill_standard_groups()
    managers = Group.objects.get(standard__kind=StandardGroup.Kind.MANAGERS)
    return browser(make_staff(create_person("manager", managers)))


def test_a_retention_is_previewed_and_set_with_a_reason(run: Run, manager: Client) -> None:
    words = "Runs are kept for ever. This is the site&#x27;s setting."
    assert words in shown(manager.get(PAGE))
    page = shown(manager.get(f"{OF}?days=30"))
    assert "<dt>Runs to be removed</dt><dd>2</dd>" in page
    assert "<dt>Their requests</dt><dd>2</dd>" in page
    assert "<dt>Their files</dt><dd>1 (5" in page
    assert "No run would be removed now." in shown(manager.get(f"{OF}?days=40"))
    assert "required" in shown(manager.post(OF, {"days": "30", "reason": ""}))
    assert not Retention.objects.exists()

    manager.post(OF, {"days": "30", "reason": "Policy 7."})
    assert Retention.objects.get().days == 30
    act = Act.objects.get(about="Audited", kind="switch")
    assert (act.reason, act.changed) == ("Policy 7.", [("days", "", "30")])
    assert Run.objects.filter(pk=run.pk).exists()
    remove_old_runs()
    assert not Run.objects.exists()
    page = shown(manager.get(PAGE))
    assert "2 runs were removed, and 0 had to be kept." in page

    manager.post(OF, {"days": "", "reason": "Policy 8."})
    assert not Retention.objects.exists()


def test_a_hold_is_placed_shown_and_released_with_reasons(
    run: Run, manager: Client, dave: User
) -> None:
    assert "Legal hold" not in shown(browser(dave).get(f"/runs/{run.pk}"))
    wrong: list[dict[str, Any]] = [{"run": run.pk, "person": "bob"}, {}, {"person": "nobody"}]
    for given in (*wrong, {"run": "x"}):
        manager.post(PAGE, {**given, "reason": "Lawsuit."})
        assert not LegalHold.objects.exists()

    audited = Procedure.objects.get(name="audited").pk
    subjects: list[dict[str, Any]] = [{"run": run.pk}, {"person": "bob"}, {"procedure": audited}]
    for given in subjects:
        page = shown(manager.post(PAGE, {**given, "reason": "Lawsuit."}, follow=True))
        assert "The legal hold is in force." in page
        assert "Lawsuit." in page
        assert "Legal hold" in shown(browser(dave).get(f"/runs/{run.pk}"))
        preview = shown(manager.get(f"{OF}?days=30"))
        assert "2 runs: a legal hold" in preview
        again = shown(manager.post(PAGE, {**given, "reason": "Again."}))
        assert "There is a legal hold on" in again
        if "procedure" in given:
            assert "Legal hold" in shown(browser(dave).get("/procedures/audited"))
        release = f"{PAGE}holds/{LegalHold.objects.get().pk}/release/"
        assert "required" in shown(manager.post(release, {"reason": ""}))
        manager.post(release, {"reason": "Settled."})
        assert not LegalHold.objects.exists()


def test_who_may_only_look_changes_nothing_and_others_see_nothing(run: Run) -> None:
    fill_standard_groups()
    auditors = Group.objects.get(standard__kind=StandardGroup.Kind.AUDITORS)
    auditor = browser(make_staff(create_person("auditor", auditors)))
    assert "Place a legal hold" not in shown(auditor.get(PAGE))
    assert "Set this retention" not in shown(auditor.get(f"{OF}?days=30"))
    assert auditor.post(PAGE, {"run": run.pk, "reason": "No."}).status_code == 403
    assert auditor.post(OF, {"days": "1", "reason": "No."}).status_code == 403
    hold = LegalHold.objects.create(run=run, reason="Lawsuit.", placed_by="x", at=clock.now())
    release = f"{PAGE}holds/{hold.pk}/release/"
    assert auditor.post(release, {"reason": "No."}).status_code == 403
    staff = browser(make_staff(create_person("frank")))
    assert [staff.get(path).status_code for path in (PAGE, OF, release)] == [403] * 3


def test_links_to_removed_rows_lead_to_what_is_left(run: Run, bob: User, carol: User) -> None:
    operation = Act.objects.filter(about_id=str(run.pk)).latest("pk")
    answer = HumanResponse.objects.filter(request__wait__run=run).earliest("pk")
    request = answer.request
    Retention.objects.create(procedure=run.procedure, days=30)
    remove_old_runs()
    words = removed_sentence(Tombstone.objects.get(pk=run.pk))
    seen = ("act", "run", "tombstone", "humanrequest", "humanresponse", "removedrequest")
    auditor = browser(make_staff(bob, *(f"view_{one}" for one in seen)))
    left = f"/admin/countersign_procedures/tombstone/{run.pk}/change/"

    of_run, of_request = row_page(Run, run.pk), row_page(HumanRequest, request.pk)
    assert of_run in shown(auditor.get(f"/admin/countersign_procedures/act/{operation.pk}/change/"))
    for page in (of_run, of_run.replace("change", "history"), of_request):
        answered = auditor.get(page, follow=True)
        assert answered.redirect_chain == [(left, 302)], page
        assert words in shown(answered)
    assert f"tombstone__id__exact={run.pk}" in shown(auditor.get(left))
    assert operation.words in shown(auditor.get(left.replace("change", "history")))
    for certificate in (row_page(Decision, answer.pk), row_page(HumanResponse, answer.pk)):
        gone = auditor.get(certificate, follow=True)
        assert "Records are removed after their retention period." in shown(gone)

    clerk = browser(make_staff(carol, "view_run"))
    assert words in shown(clerk.get(of_run, follow=True))
    assert clerk.get(of_run, follow=True).redirect_chain == [("/admin/", 302)]
    assert clerk.get(of_request).status_code == 403
    assert clerk.get(of_request.replace("change", "history")).status_code == 403


def row_page(model: type[Any], key: Any) -> str:
    return page_address(model, "change", key)
