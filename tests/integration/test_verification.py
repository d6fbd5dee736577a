"""The verification of the whole site: what it finds, who starts it and when."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from chat.models import HumanRequest, HumanResponse, Message, RequestEvent
from chat.services import Answer, respond
from procedures.engine.values import canonical
from procedures.models import Act, Event, Head, LogHead, Retention, Run, RunInput, Tombstone
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from procedures.runner import advance_run
from procedures.services import verification
from procedures.services.known import KnownRuns
from procedures.services.ledger import examine
from procedures.services.retention.removal import remove_family
from tests.at_once import at_once
from tests.calls import request_of, run_until_it_waits
from tests.configured import configure
from tests.conftest import make_staff
from tests.pages import browser, grant_to_both, shown
from tests.working import work_off

PAGE = "/admin/verification/"
TAMPERED: dict[str, Callable[[], Any]] = {
    "journal": lambda: Event.objects.filter(kind="wait.closed").update(data='{"outcome":"no"}'),
    "run": lambda: Run.objects.filter(procedure__name="question").update(seed="forged"),
    "request": lambda: HumanRequest.objects.update(prompt="Pay twice?"),
    "history of a request": lambda: RequestEvent.objects.filter(seq=1).update(kind="forged"),
    "response": lambda: HumanResponse.objects.update(value="false"),
    "input": lambda: RunInput.objects.update(data="{}"),
    "log": lambda: Act.objects.filter(seq=1).update(words="Nothing."),
}


@pytest.fixture
def answered(alice: User, bob: User, db: None) -> Run:
    """A run whose question bob has answered, on a site with an entry in its log."""
    grant_to_both("question")
    run = run_until_it_waits("question", by=alice)
    respond(request_of(run).pk, Answer(value=True), by=bob)
    advance_run(run.pk)
    return run


@pytest.fixture
def logged(db: None) -> Act:
    return log_act(Act.Kind.CHANGE, "Something was done.", by="ann")


def verified(by: User | None = None) -> dict[str, Any]:
    run, is_new = verification.verify_soon(by=by)
    assert is_new
    advance_run(run.pk)
    found = verification.last_result()
    assert found
    assert found[0] == run
    return found[1]


@pytest.mark.django_db(transaction=True)
def test_a_sound_site_is_verified_and_every_tampered_row_is_found(
    answered: Run, logged: Act, carol: User
) -> None:
    make_staff(carol, "view_act", "view_run")
    client = browser(carol)

    found = verified(by=carol)
    assert (found["runs"], found["count"], found["broken"], found["faults"]) == (1, 0, 0, [])
    act = Act.objects.filter(kind="verify").latest("pk")
    assert (act.name, act.words) == (
        "carol",
        f"Verified 1 run and {found['entries']} entries of the log. No faults were found.",
    )
    assert "No faults were found." in shown(client.get(PAGE))
    assert "The last verification found" not in shown(client.get("/admin/"))
    for what, tamper in TAMPERED.items():
        rows: dict[Any, list[Any]] = {
            model: list(model._default_manager.values())  # noqa: SLF001 (of any model)
            for model in (Event, Run, HumanRequest, RequestEvent, HumanResponse, RunInput, Act)
        }
        assert tamper(), what
        found = verified()
        assert found["count"] > 0, what
        told = " ".join(one["words"] for one in found["faults"])
        assert found["faults"][0]["run"] == ("" if what == "log" else str(answered.pk)), what
        assert told[:60] in Act.objects.filter(kind="verify").latest("pk").words
        page = shown(client.get(PAGE))
        assert f"/admin/countersign_procedures/run/{answered.pk}/" in page or what == "log"
        assert "The last verification found" in shown(client.get("/admin/"))
        for model, before in rows.items():
            for row in before:
                model._default_manager.filter(pk=row["id"]).update(**row)  # noqa: SLF001
    assert verified()["count"] == 0
    assert "The last verification found" not in shown(client.get("/admin/"))


@pytest.mark.django_db
def test_what_is_deleted_whole_is_missed_since_the_last_verification(
    answered: Run, logged: Act, carol: User
) -> None:
    make_staff(carol, "view_act", "view_run")
    assert verified()["count"] == 0
    Act.objects.all().delete()
    LogHead.objects.all().delete()
    lost = "It had 1 entry at the verification of "
    for _ in range(2):  # and the next one doesn't take the loss for granted
        found = verified()
        assert found["count"] == 1
        assert found["faults"][0]["words"].startswith(f"Log: {lost}")
    client = browser(carol)
    address = "/admin/countersign_procedures/act/verification/"
    assert lost in shown(client.post(address, follow=True))

    HumanResponse.objects.all().delete()
    answered.delete()
    told = "1 run has disappeared without a tombstone since the verification of "
    assert told in " ".join(one["words"] for one in verified()["faults"])
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_journal", stdout=said)
    assert told in said.getvalue()


@pytest.mark.django_db
def test_a_run_that_a_retention_removes_is_not_missed(answered: Run) -> None:
    known = KnownRuns.now(uuid7())
    Retention.objects.create(procedure=answered.procedure, days=1)
    clock.ahead += timedelta(days=2)
    assert remove_family(answered.pk) == (1, None)
    assert known.faults() == []
    Tombstone.objects.all().delete()
    assert known.faults() != []


@pytest.mark.django_db
def test_auditors_start_one_at_a_time(answered: Run, carol: User, dave: User) -> None:
    make_staff(carol, "view_act", "view_run")
    make_staff(dave, "view_run")
    client = browser(carol)
    assert browser(dave).post(PAGE).status_code == 403
    assert not verification.verifications().exists()

    for told in ("Started.", "A verification is already in progress."):
        assert told in shown(client.post(PAGE, follow=True))
    [run] = verification.verifications()
    assert run.started_by == carol
    page = shown(client.get(PAGE))
    assert "It has just started." in page
    assert f'href="/runs/{run.pk}"' in page
    assert "Verify the whole site" not in page
    work_off()
    assert [row.status for row in verification.verifications()] == ["succeeded"]
    progress = canonical.plain(run.events.get(kind="progress").data)
    assert (progress["done"], progress["total"]) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_several_who_start_one_at_once_one_does() -> None:
    found = at_once(*[partial(verification.verify_soon, by=None)] * 3)

    assert sorted(is_new for _run, is_new in found) == [False, False, True]
    assert len({run.pk for run, _is_new in found}) == 1


@pytest.mark.django_db
def test_the_clock_starts_one_a_day_at_the_configured_time(settings: Settings, logged: Act) -> None:
    now = timezone.localtime(clock.now())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    configure(settings, VERIFY_AT="00:00")
    assert verification.verify_when_due() is None  # the site is younger than today's time

    # Two hours into the next day, whatever the time is now.
    clock.ahead += midnight + timedelta(days=1, hours=2) - now
    configure(settings, VERIFY_AT="")
    assert verification.verify_when_due() is None
    configure(settings, VERIFY_AT="03:00")
    assert verification.verify_when_due() is None
    configure(settings, VERIFY_AT="01:30")
    run = verification.verify_when_due()
    assert run
    assert run.started_by is None
    work_off()
    assert verification.verify_when_due() is None
    clock.ahead += timedelta(days=1)
    assert verification.verify_when_due() not in (None, run)
    assert Act.objects.filter(kind="verify", name="system").count() == 1


@pytest.mark.django_db
def test_a_quarantined_one_keeps_no_other_from_starting(answered: Run, carol: User) -> None:
    make_staff(carol, "view_act", "view_run")
    broken, _is_new = verification.verify_soon(by=None)
    Run.objects.filter(pk=broken.pk).update(status="quarantined", queued_at=None)

    page = shown(browser(carol).get(PAGE))
    assert "A later verification stopped without a result (quarantined)." in page
    assert "Verify the whole site" in page
    run, is_new = verification.verify_soon(by=None)
    assert (is_new, run != broken) == (True, True)


@pytest.mark.django_db
def test_those_of_the_clock_share_a_session(carol: User) -> None:
    runs = [verified_run(None), verified_run(carol), verified_run(None)]

    cards = [Message.objects.get(run=run, kind="run").session_id for run in runs]
    assert cards[0] == cards[2] != cards[1]


def verified_run(by: User | None) -> Run:
    run, _is_new = verification.verify_soon(by=by)
    advance_run(run.pk)
    return run


@pytest.mark.django_db
def test_a_run_that_is_removed_meanwhile_has_no_faults(db: None) -> None:
    run = run_until_it_waits("doubled", number=1)
    assert not examine(run).faults
    Head.objects.filter(run=run).delete()
    assert examine(run).faults
    Run.objects.filter(pk=run.pk).delete()
    assert not examine(run).faults


@pytest.mark.django_db
def test_many_runs_are_verified_in_several_steps(answered: Run) -> None:
    others = [run_until_it_waits("question") for _ in range(2)]
    job, _is_new = verification.verify_soon(by=None)

    first = verification.verify_next(job.pk, "", size=2)
    second = verification.verify_next(job.pk, first["after"], size=2)

    assert (first["seen"], first["after"]) == (2, str(others[0].pk))
    assert (second["seen"], second["after"]) == (1, "")
