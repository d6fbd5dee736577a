"""Moments and lengths of time as a browser sends them."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from procedures.models import Run
from tests.calls import grant
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
PATH = "/procedures/appointment"


@pytest.fixture(autouse=True)
def support_starts(support: Group) -> None:
    grant("appointment", support, "start")


def inputs_of(alice: User, **fields: str) -> dict[str, Any]:
    answer = browser(alice).post(PATH, {"-key": "k", **fields})
    assert answer.status_code == 302, shown(answer)
    kept: dict[str, Any] = json.loads(Run.objects.get().inputs)
    return kept


@pytest.mark.parametrize(
    ("zone", "kept"),
    [("UTC", "2026-07-01T09:30:00Z"), ("Europe/Berlin", "2026-07-01T09:30:00+02:00")],
)
def test_a_moment_that_needs_a_zone_has_the_readers(alice: User, zone: str, kept: str) -> None:
    with timezone.override(zone):
        assert inputs_of(alice, at="2026-07-01T09:30")["at"] == kept


def test_a_moment_that_needs_none_gets_none(alice: User) -> None:
    kept = inputs_of(alice, at="2026-07-01T09:30", local="2026-07-01T09:30", lasts="2m")

    assert (kept["local"], kept["lasts"]) == ("2026-07-01T09:30:00", "PT2M")


def test_the_form_says_whose_zone_it_is(alice: User) -> None:
    page = shown(browser(alice).get(PATH))

    assert page.count("Time zone: UTC.") == 1


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01T09:30"])
def test_what_is_no_moment_is_refused_and_kept_in_the_form(alice: User, text: str) -> None:
    answer = browser(alice).post(PATH, {"-key": "k", "at": text})

    assert answer.status_code == 422
    assert text in shown(answer)
    assert not Run.objects.exists()
