"""The admin marks procedures whose code is gone, and counts what waits for them."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from procedures.models import Procedure, Run
from tests.calls import run_until_it_waits
from tests.conftest import make_staff
from tests.pages import browser, queries_of, shown

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/countersign_procedures/procedure/"


def page_of(procedure: Procedure) -> str:
    return f"{LIST}{procedure.pk}/change/"


@pytest.fixture
def gone() -> Procedure:
    """A procedure without code; one of its runs asks, and one has ended."""
    procedure = Procedure.objects.create(name="gone", title="Packing")
    runs = [run_until_it_waits("question") for _ in range(3)]
    Run.objects.filter(pk__in=[run.pk for run in runs[:2]]).update(procedure=procedure)
    Run.objects.filter(pk=runs[0].pk).update(status="failed", ended_at=runs[0].created_at)
    return procedure


def test_code_that_is_gone_is_marked_with_what_waits_for_it(
    gone: Procedure, admin_client: Client
) -> None:
    marks = shown(admin_client.get(f"{LIST}?q=packing"))
    assert marks.count("<strong>gone</strong>") == 1
    assert "installed" in shown(admin_client.get(f"{LIST}?q=question"))

    page = shown(admin_client.get(page_of(gone)))
    assert "<strong>gone</strong>" in page
    assert "Runs that haven&#x27;t ended: 1. Open requests: 2." in page
    assert f"procedure__id__exact={gone.pk}&amp;ended_at__isnull=True" in page
    asking = Procedure.objects.get(name="question")
    assert "<strong>gone</strong>" not in shown(admin_client.get(page_of(asking)))


def test_who_may_not_see_runs_gets_no_link_to_them(gone: Procedure, carol: User) -> None:
    page = shown(browser(make_staff(carol, "view_procedure")).get(page_of(gone)))

    assert "ended: 1." in page
    assert "ended_at__isnull" not in page


def test_the_list_takes_no_more_statements_for_more_of_them(admin_client: Client) -> None:
    Procedure.objects.create(name="gone", title="Gone")
    before = len(queries_of(admin_client, LIST))
    Procedure.objects.bulk_create(
        Procedure(name=f"gone-{number}", title="Gone") for number in range(30)
    )

    assert len(queries_of(admin_client, LIST)) == before
