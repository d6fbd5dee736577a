"""`manage.py seed`: a demo as full as a busy site."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from chat.models import HumanRequest
from dashboard.demo.desk import Language, Matter
from dashboard.demo.people import create_demo_accounts
from dashboard.demo.seed import cases
from procedures.models import Run
from procedures.users import User
from tests.pages import browser, shown

RUNS, REQUESTS = 40, 21


@pytest.fixture
def embedded(settings: Settings) -> Settings:
    settings.COUNTERSIGN = {**settings.COUNTERSIGN, "IS_EMBEDDED": True}
    return settings


def test_a_seeded_demo_has_each_kind_of_request_in_each_language() -> None:
    asking = [case for case in cases(200, 60) if case.outcome == "ask" and not case.is_answered]

    assert len(asking) == 60
    assert {case.matter for case in asking} == set(Matter)
    assert {case.inputs["language"] for case in asking} == set(Language)


@pytest.mark.django_db(transaction=True)
def test_seeding_twice_adds_nothing_and_pages_show_what_it_made(embedded: Settings) -> None:
    create_demo_accounts()
    for _ in range(2):
        call_command("seed", runs=RUNS, requests=REQUESTS, stdout=StringIO())

    found = Run.objects.filter(procedure__name="desk")
    assert found.count() == RUNS
    assert HumanRequest.objects.open().count() == REQUESTS
    assert set(found.values_list("status", flat=True)) == {"waiting", "succeeded", "failed"}
    approver = browser(User.objects.get(username="approver"))
    assert shown(approver.get("/search?q=الطلب")).count("find__title") > 1


@pytest.mark.django_db
def test_a_deployed_site_is_not_seeded(settings: Settings) -> None:
    settings.COUNTERSIGN = {**settings.COUNTERSIGN, "IS_EMBEDDED": False}

    with pytest.raises(CommandError, match="deployed site"):
        call_command("seed", stdout=StringIO())
