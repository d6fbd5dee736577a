"""Procedures that are files of the site: found, shown, edited under waiting runs, and broken."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from dashboard.environment.variables import CHECKOUT
from procedures import registry
from procedures.engine import ProcedureFileError
from procedures.models import Grant, Procedure, ProcedureVersion, Run
from procedures.models.clock import clock
from procedures.registry import registrar
from procedures.runner import advance_run, advance_runs
from procedures.services import Sent, check_runs, send_signal, start_run, sweep
from procedures.testing import run_procedure
from procedures.texts import shelf
from tests.calls import caller, request_of, run_until_it_waits
from tests.configured import configure
from tests.documents import examples
from tests.flows import AFTER, ASK, BEFORE, PACK, READER, ROLES, SEND, Folder, flow
from tests.list_reader import are_inside
from tests.pages import browser, shown
from tests.runs import answer, error_of, result_of, status_of

pytestmark = pytest.mark.django_db


def run_to_its_end(run: Run) -> str:
    advance_run(run.pk)
    return result_of(run)


# What people see


def test_a_file_is_a_procedure_with_its_text_as_source(
    flows: Folder, alice: User, admin_user: User
) -> None:
    flows.deploy("returns/shoes.json", flow(ASK, title="Send shoes back", doc="For *shoes*."))

    page = shown(browser(alice).get("/procedures/shoes"))
    assert "Send shoes back" in page
    assert "For <em>shoes</em>." in page
    assert "From the file <code>flows/returns/shoes.json</code>" in page
    assert "&quot;ask&quot;: &quot;Send them back?&quot;" in page
    told = caller(alice).get("/api/procedures/shoes").json()
    assert (told["file"], told["fault"]) == ("flows/returns/shoes.json", "")
    row = ProcedureVersion.objects.get(procedure__name="shoes", version=told["version"])
    assert "Send them back?" in shown(
        browser(admin_user).get(f"/admin/countersign_procedures/procedureversion/{row.pk}/change/")
    )


def test_it_is_started_asked_and_answered_over_http(flows: Folder, alice: User, bob: User) -> None:
    flows.deploy()

    started = caller(alice).post("/api/procedures/shoes/runs", {"folder": ""}, "application/json")
    assert started.status_code == 201, started.content
    run = Run.objects.get(pk=started.json()["id"])
    advance_run(run.pk)
    path = f"/api/requests/{request_of(run).pk}/response"
    assert caller(bob).post(path, {"value": True}, "application/json").status_code == 201

    assert run_to_its_end(run) == '["True","pack"]'


def test_the_version_is_the_digest_of_the_text(flows: Folder) -> None:
    flows.deploy(text=BEFORE)
    first = registry.definitions()["shoes"].version
    flows.deploy(text=AFTER)
    second = registry.definitions()["shoes"].version
    flows.deploy(text=BEFORE)

    assert registry.definitions()["shoes"].version == first != second
    rows = ProcedureVersion.objects.filter(procedure__name="shoes").newest_first()
    assert list(rows.values_list("version", flat=True)) == [first, second]


def test_line_ends_and_a_byte_order_mark_are_no_other_text(flows: Folder) -> None:
    flows.deploy(text=BEFORE)
    version = registry.definitions()["shoes"].version

    flows.deploy(text=b"\xef\xbb\xbf" + BEFORE.replace("\n", "\r\n").encode())

    assert registry.definitions()["shoes"].version == version


# A run goes on with the text that it was started with

CHANGES: dict[str, Callable[[Folder], None]] = {
    "edited": lambda flows: flows.deploy(text=AFTER),
    "removed": Folder.remove,
    "broken": lambda flows: flows.deploy(text=BEFORE[:-9]),
    "moved": lambda flows: flows.move("shoes.json", "old/shoes.json"),
    "taken by another file": lambda flows: flows.deploy("other.json"),
}


@pytest.mark.django_db(transaction=True)
def test_a_worker_reads_the_text_before_it_claims_the_run(flows: Folder, alice: User) -> None:
    flows.deploy(text=flow(PACK))
    run, _ = start_run("shoes", {}, by=alice)
    registry.forget_texts()
    are_inside.clear()

    advance_runs()

    assert result_of(run) == '["pack"]'
    assert are_inside == [False]


@pytest.mark.django_db(transaction=True)
def test_a_text_that_cannot_be_read_is_tried_before_the_claim_each_time(
    flows: Folder, settings: Settings, alice: User, dave: User
) -> None:
    flows.deploy(text=flow(PACK))
    run, _ = start_run("shoes", {}, by=alice)
    configure(settings, PROCEDURE_READERS={".json": "tests.list_reader.panic_late"})
    registry.forget_texts()
    are_inside.clear()

    for _ in range(2):
        advance_runs()
        assert status_of(run) == "quarantined"
        caller(dave).post(f"/api/runs/{run.pk}/retry", {"reason": "again"}, "application/json")

    assert are_inside == [False, False]


@pytest.mark.django_db(transaction=True)
def test_a_text_that_made_room_for_others_is_read_before_the_next_claim(
    flows: Folder, alice: User, bob: User
) -> None:
    for number in range(registry.MOST_TEXTS):
        flows.write(f"{number}.json", flow(PACK, name=f"n{number}"))
    flows.deploy()
    first = run_until_it_waits("shoes", by=alice)
    for number in range(registry.MOST_TEXTS):
        start_run(f"n{number}", {}, by=alice)
    while Run.objects.queued().exists():
        advance_runs()
    answer(request_of(first), value=True, by=bob)
    are_inside.clear()

    advance_runs()

    assert result_of(first) == '["True","pack"]'
    assert are_inside == [False]


@pytest.mark.django_db(transaction=True)
def test_a_signal_locks_its_run_only_when_the_text_is_read(flows: Folder, alice: User) -> None:
    flows.deploy(text=flow(PACK))
    run, _ = start_run("shoes", {}, by=alice)
    registry.forget_texts()
    are_inside.clear()

    send_signal(run.pk, Sent("paid", "p-1", 1), by=alice)

    assert are_inside == [False]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_waiting_run_keeps_its_text(
    flows: Folder, change: Callable[[Folder], None], alice: User, bob: User
) -> None:
    flows.deploy(text=BEFORE)
    run = run_until_it_waits("shoes", by=alice)

    change(flows)
    answer(request_of(run), value=True, by=bob)
    page = shown(browser(alice).get(f"/runs/{run.pk}"))
    advance_runs()

    assert result_of(run) == '["True","pack"]'
    assert "Stuck" not in page


def test_a_run_that_was_queued_before_the_edit_keeps_its_text(flows: Folder, alice: User) -> None:
    flows.deploy(text=flow(PACK))
    run, _ = start_run("shoes", {}, by=alice)

    flows.deploy(text=flow(SEND))
    advance_runs()

    assert result_of(run) == '["pack"]'


def test_an_edited_text_is_what_the_next_run_is_started_with(flows: Folder, alice: User) -> None:
    flows.deploy(text=flow(PACK))
    flows.deploy(text=flow(SEND))

    run, _ = start_run("shoes", {}, by=alice)

    assert run_to_its_end(run) == '["send"]'


def test_a_failed_run_is_retried_with_its_text_and_forked_with_the_present_one(
    flows: Folder, alice: User, dave: User
) -> None:
    fails = {"do": "x/y"}  # no name of a step
    flows.deploy(text=flow(PACK, fails))
    run, _ = start_run("shoes", {}, by=alice)
    advance_runs()
    assert status_of(run) == "failed"
    flows.deploy(text=flow(PACK, SEND))
    operator = caller(dave)

    operator.post(f"/api/runs/{run.pk}/retry", {"reason": "mended"}, "application/json")
    advance_runs()
    assert status_of(run) == "failed"

    Grant.objects.get_or_create(
        procedure=run.procedure, group=Group.objects.get(name="operators"), role="start"
    )
    body = {"reason": "mended", "at": "pack"}
    forked = operator.post(f"/api/runs/{run.pk}/fork", body, "application/json")
    assert forked.status_code == 201, forked.content
    advance_runs()
    assert result_of(Run.objects.get(pk=forked.json()["id"])) == '["pack","send"]'


def test_a_child_of_the_same_file_is_begun_with_the_same_text(
    flows: Folder, alice: User, bob: User
) -> None:
    def family(*steps: dict[str, str]) -> str:
        child = {"name": "lace", "roles": ROLES, "steps": steps}
        parent = {"name": "shoes", "roles": ROLES, "steps": [ASK, {"call": "lace"}]}
        return json.dumps([child, parent])

    flows.deploy(text=family(PACK))
    run = run_until_it_waits("shoes", by=alice)
    flows.deploy(text=family(SEND))
    answer(request_of(run), value=True, by=bob)

    for _ in range(2):
        advance_runs()
        sweep()
    advance_runs()

    assert result_of(run) == """["True","['pack']"]"""


def test_the_check_of_open_runs_replays_the_text_of_each(
    flows: Folder, alice: User, bob: User
) -> None:
    flows.deploy(text=BEFORE)
    run_until_it_waits("shoes", by=alice)

    flows.deploy(text=flow({"ask": "Something else?"}))

    assert [one.blockers for one in check_runs("shoes")] == [[]]


def test_a_text_that_was_changed_in_the_database_runs_nothing(
    flows: Folder, alice: User, bob: User
) -> None:
    flows.deploy(text=BEFORE)
    run = run_until_it_waits("shoes", by=alice)
    ProcedureVersion.objects.filter(pk=run.version_id).update(source=flow(ASK, SEND))
    flows.restart()
    registry.forget_texts()
    answer(request_of(run), value=True, by=bob)

    advance_runs()

    assert status_of(run) == "quarantined"
    assert "doesn't match its version" in error_of(run)["message"]


def test_a_reader_that_no_longer_reads_the_text_quarantines_the_run_until_it_does(
    flows: Folder, settings: Settings, alice: User, bob: User, dave: User
) -> None:
    flows.deploy(text=BEFORE)
    run = run_until_it_waits("shoes", by=alice)
    configure(settings, PROCEDURE_READERS={".json": "tests.list_reader.read_lines"})
    registry.forget_texts()
    answer(request_of(run), value=True, by=bob)

    advance_runs()
    error = error_of(Run.objects.get(pk=run.pk))
    assert status_of(run) == "quarantined"
    assert "flows/shoes.json" in error["message"]
    assert (
        error["remedy"]
        == "Install a reader that can read the text of the run's procedure, then retry."
    )

    configure(settings, PROCEDURE_READERS={".json": READER})
    registry.forget_texts()
    caller(dave).post(f"/api/runs/{run.pk}/retry", {"reason": "back"}, "application/json")
    advance_runs()
    assert result_of(run) == '["True","pack"]'


def test_a_run_without_a_reader_stays_queued_and_is_called_stuck(
    flows: Folder, settings: Settings, alice: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    flows.deploy(text=BEFORE)
    run = run_until_it_waits("shoes", by=alice)
    configure(settings, PROCEDURE_READERS={".txt": "tests.list_reader.read_lines"})
    flows.restart()
    answer(request_of(run), value=True, by=bob)

    advance_run(run.pk)
    advance_runs()

    assert status_of(run) == "queued"
    assert "this worker has no reader for 'flows/shoes.json'" in caplog.text
    assert "Stuck" in shown(browser(alice).get(f"/runs/{run.pk}"))
    assert "Stuck" in shown(browser(alice).get("/runs"))


def test_a_run_without_a_reader_is_called_stuck_also_where_another_file_has_its_name(
    flows: Folder, settings: Settings, alice: User, bob: User
) -> None:
    flows.deploy(text=BEFORE)
    run = run_until_it_waits("shoes", by=alice)
    configure(settings, PROCEDURE_READERS={".txt": "tests.list_reader.read_lines"})
    flows.write("shoes.txt", "Send them back?\n")
    flows.restart()
    answer(request_of(run), value=True, by=bob)

    advance_runs()

    assert registry.find("shoes")
    assert status_of(run) == "queued"
    for page in (f"/runs/{run.pk}", "/runs", "/"):
        assert "Stuck" in shown(browser(alice).get(page)), page
    assert f"/runs/{run.pk}" in shown(browser(alice).get("/")).partition('id="stuck"')[2]


# Edits while a process runs


def test_an_edit_is_noticed_only_where_the_site_wants_it(flows: Folder, settings: Settings) -> None:
    flows.deploy(text=BEFORE)
    first = registry.definitions()["shoes"].version

    flows.write("shoes.json", AFTER)
    assert registry.definitions()["shoes"].version == first

    configure(settings, NOTICES_EDITED_FILES=True)
    shelf.look_again()
    assert registry.definitions()["shoes"].version != first


def test_the_clock_registers_what_was_edited_added_and_put_back(
    flows: Folder, settings: Settings
) -> None:
    configure(settings, NOTICES_EDITED_FILES=True)

    def look() -> list[str]:
        shelf.look_again()
        registrar.look()
        rows = ProcedureVersion.objects.filter(procedure__name="shoes").newest_first()
        return list(rows.values_list("version", flat=True))

    flows.write("shoes.json", BEFORE)
    [first] = look()
    flows.write("shoes.json", AFTER)
    flows.write("hats.json", flow(name="hats"))
    second, old = look()
    assert old == first != second
    assert Procedure.objects.filter(name="hats").exists()
    at = clock.now()
    flows.write("shoes.json", BEFORE)
    assert look() == [first, second]
    assert look() == [first, second]
    assert not ProcedureVersion.objects.filter(version=second, registered_at__gt=at).exists()


def test_the_reader_of_the_document_reads_what_it_says() -> None:
    names: dict[str, Any] = {"__name__": "reader_document"}
    for example in examples(CHECKOUT / "docs" / "procedure_files.md"):
        exec(compile(example.source, "docs", "exec"), names)  # noqa: S102 (our own document)
    text = {"name": "shoes", "title": "Shoes", "questions": ["Send?"]}

    read = names["read_flow"]("shoes.json", json.dumps(text))

    assert (read.name, read.title, [*read.schema["properties"]]) == ("shoes", "Shoes", ["order"])
    with pytest.raises(ProcedureFileError, match="A flow needs a question") as refusal:
        names["read_flow"]("shoes.json", json.dumps({**text, "questions": []}))
    assert refusal.value.line == 1
    run = run_procedure(names["interpret"], {"program": "One.\nTwo."})
    assert run.notices == ["One.", "Two."]


def test_of_a_long_description_the_catalogue_shows_the_beginning(
    flows: Folder, alice: User
) -> None:
    flows.deploy(text=flow(ASK, doc="Sorts shoes. " * 15_000))

    page = shown(browser(alice).get("/procedures"))
    assert "Sorts shoes." in page
    assert page.count("Sorts shoes.") < 40
