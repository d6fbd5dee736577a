"""A step that is done without a result, as people meet it: page, journal, API, admin, answers."""

import json
from collections.abc import Iterator
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import retry_run
from tests import procedures
from tests.calls import caller, grant, request_of, respond, run_until_it_waits
from tests.pages import browser, shown
from tests.procedures import did

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_happened() -> Iterator[None]:
    procedures.forget()
    yield
    procedures.forget()


@pytest.fixture
def run(operators: Group, dave: User) -> Run:
    """One that has paid, and waits for what the receipt was."""
    grant("unkept", operators, "see", "operate")
    run = run_until_it_waits("unkept", kind="nested bytes")
    assert run.status == RunStatus.WAITING
    return run


def go_on(run: Run) -> Run:
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def test_the_page_and_the_journal_say_that_it_is_done(run: Run, dave: User) -> None:
    here = browser(dave)

    page = shown(here.get(f"/runs/{run.pk}"))
    journal = shown(here.get(f"/runs/{run.pk}/journal"))

    assert "The step pay is done, but its result couldn't be stored." in unescape(page)
    assert "The step has finished. The result can&#x27;t be stored" in page
    assert "{'reference': [b'\\xff']}" in unescape(page)
    assert "The step returned nothing" not in page
    assert (
        "finished, but its result couldn&#x27;t be stored: The result can&#x27;t be stored"
        in journal
    )


def test_a_program_reads_why_and_what_was_returned(run: Run, dave: User) -> None:
    found = caller(dave).get(f"/api/runs/{run.pk}/events").json()["items"]

    [done] = [event["data"] for event in found if event["kind"] == "step.succeeded"]
    assert "result" not in done
    assert done["not_kept"].startswith("The result can't be stored")
    assert done["returned"] == "{'reference': [b'\\xff']}"


def test_the_admin_shows_it(run: Run, admin_client: Client) -> None:
    event = run.events.get(kind="step.succeeded")

    page = shown(admin_client.get(f"/admin/countersign_procedures/event/{event.pk}/change/"))

    assert "not_kept" in page


def test_an_operator_gives_the_result(run: Run, dave: User, bob: User) -> None:
    grant("unkept", Group.objects.get(name="finance"), "see", "answer")
    assert respond(caller(bob), request_of(run), "happened").status_code in {403, 404}
    asked = respond(caller(dave), request_of(run), "happened")
    assert asked.status_code == 201
    assert go_on(run).status == RunStatus.WAITING

    assert respond(caller(dave), request_of(run), '{"reference": 7}').status_code == 201
    go_on(run)
    assert respond(caller(bob), request_of(run), value=True).status_code == 201
    go_on(run)

    assert run.status == RunStatus.SUCCEEDED
    assert json.loads(run.result or "") == {"reference": 7}
    assert did == ["pay"]


def test_a_retry_says_that_it_asks_again(operators: Group, dave: User) -> None:
    grant("unkept_in_a_branch", operators, "see", "operate")
    run = run_until_it_waits("unkept_in_a_branch")
    doubt = HumanRequest.objects.get(wait__run=run, wait__key__endswith="doubt")
    assert respond(caller(dave), doubt, "fail").status_code == 201
    assert go_on(run).status == RunStatus.FAILED

    told = retry_run(run.pk, by=dave, reason="Again.")

    step = "gather/ask_and_pay/pay"
    assert told == (
        f"The run continues. The step {step} is done, but its result wasn't stored, so people are"
        " asked for it again."
    )
    assert did == ["pay"]
