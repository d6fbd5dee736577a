"""Limits for the size of texts and values: refused in words, and nothing typed is lost."""

from dataclasses import asdict, fields
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from chat.models import Message
from dashboard.environment.variables import Environment
from procedures.conf import conf
from procedures.engine import File
from procedures.engine.values.files import use_file_store
from procedures.engine.values.sizes import USUAL_SIZES, Sizes
from procedures.files import ContentStore
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import KeyReusedError, restart_run, start_run
from tests.calls import caller, detail, grant, request_of, respond
from tests.configured import configured
from tests.pages import HTMX, ask, browser, queries_of, shown

pytestmark = pytest.mark.django_db
UNITS = {
    "options": "MOST_OPTIONS",
    "depth": "DEEPEST_VALUE",
    "evidence": "LARGEST_EVIDENCE",
    "signal": "LARGEST_SIGNAL",
}


def most(**sizes: int) -> dict[str, Any]:
    return {**conf.SIZES, **sizes}


def test_a_site_that_says_nothing_takes_what_the_engine_takes() -> None:
    assert asdict(USUAL_SIZES) == conf.SIZES


@pytest.mark.parametrize("name", [one.name for one in fields(Sizes)])
def test_the_environment_says_each_size(name: str) -> None:
    setting = UNITS.get(name, f"LONGEST_{name.upper()}")

    given: dict[str, Any] = {setting: 7}
    found = Environment(**given).sizes()

    assert found == {**asdict(USUAL_SIZES), name: 7}


@pytest.mark.parametrize(("name", "value"), [("prompt", 0), ("label", -1), ("body", "9")])
def test_what_is_no_size_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"Invalid size .* of {name}"):
        Sizes(**{name: value})


@configured(SIZES=most(answer=30))
@pytest.mark.parametrize(("kind", "field"), [("text", "value"), ("problem", "value")])
def test_a_long_answer_stays_in_its_form(alice: User, bob: User, kind: str, field: str) -> None:
    request = ask(kind, by=alice)
    if kind == "problem":
        bob = User.objects.create_superuser("root")
    typed = "resolved: " + "a" * 25

    path = f"/requests/{request.pk}/response"
    page = browser(bob).post(
        path, {field: typed, "comment": "mine", "reason": "Away."}, headers=HTMX
    )

    assert page.status_code == 422
    assert "The answer has 35 characters; the limit is 30." in shown(page)
    assert typed in shown(page)
    assert (
        browser(bob).post(path, {field: typed[:30], "reason": "Away."}, headers=HTMX).status_code
        == 200
    )


@configured(SIZES=most(comment=30))
def test_a_long_comment_stays_in_its_form(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    path = f"/requests/{request.pk}/response"

    page = browser(bob).post(path, {"value": "true", "comment": "b" * 31}, headers=HTMX)

    assert page.status_code == 422
    assert "has 31 characters; the limit is 30." in shown(page)
    assert "b" * 31 in shown(page)
    assert "maxlength" not in shown(page)
    told = detail(respond(caller(bob), request, value=True, comment="b" * 31), 422)
    assert "has 31 characters" in told
    assert respond(caller(bob), request, value=True, comment="b" * 30).status_code == 201


@configured(SIZES=most(draft=40))
def test_an_edited_draft_stays_in_its_form(alice: User, bob: User) -> None:
    request = ask("review", by=alice)
    path = f"/requests/{request.pk}/response"
    typed = {"decision": "approved", "text": "c" * 41}

    page = browser(bob).post(path, typed, headers=HTMX)

    assert page.status_code == 422
    assert "The answer has 41 characters; the limit is 40." in shown(page)
    assert "c" * 41 in shown(page)


@configured(SIZES=most(answer=12))
def test_each_field_of_a_form_has_a_size(alice: User, bob: User) -> None:
    request = ask("form", by=alice)
    value = {"amount": "12.50", "due": "2026-12-24", "carrier": "post", "sender": "d" * 13}

    assert "the limit is 12" in detail(respond(caller(bob), request, value), 422)
    assert respond(caller(bob), request, {**value, "sender": "d" * 12}).status_code == 201


@configured(SIZES=most(message=30))
def test_a_long_message_stays_in_the_composer(alice: User, bob: User) -> None:
    session = ask("approval", by=alice).session
    path = f"/chat/{session.pk}/messages"

    page = browser(alice).post(path, {"text": "e" * 31}, headers=HTMX)

    assert page.status_code == 422
    assert "has 31 characters; the limit is 30." in shown(page)
    assert "e" * 31 in shown(page)
    assert "maxlength" not in shown(page)
    assert not Message.objects.filter(kind="person").exists()
    assert browser(alice).post(path, {"text": "e" * 30}, headers=HTMX).status_code == 200


@configured(SIZES=most(reason=20, signal=12))
def test_a_reason_and_a_signal_have_sizes(alice: User) -> None:
    root, run = User.objects.create_superuser("root"), ask("approval", by=alice).wait.run
    program = caller(root)

    cancel = f"/api/runs/{run.pk}/cancellation"
    told = detail(program.post(cancel, {"reason": "f" * 21}, "application/json"), 422)
    assert told == "The reason is too long: the limit is 20 characters."
    sent = {"id": "s-1", "value": "g" * 11}
    told = detail(program.post(f"/api/runs/{run.pk}/signals/x", sent, "application/json"), 422)
    assert "The value has 13 characters of JSON; the limit is 12." in told
    assert Run.objects.get(pk=run.pk).status == "waiting"
    sent["value"] = "g" * 10
    answer = program.post(f"/api/runs/{run.pk}/signals/x", sent, "application/json")
    assert answer.status_code == 201


# Large inputs and results


def large_run(alice: User, support: Group, *, length: int = 80_000) -> Run:
    grant("returns_much", support, "start", "see", "answer")
    run, _ = start_run("returns_much", {"text": "i" * length, "length": length}, by=alice)
    advance_run(run.pk)
    respond(caller(alice), request_of(run), value=True)
    advance_run(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    return run


def test_the_api_names_where_large_inputs_and_results_are_read(
    alice: User, support: Group, carol: User
) -> None:
    run, program = large_run(alice, support), caller(alice)

    told = program.get(f"/api/runs/{run.pk}").json()

    assert (told["inputs"], told["result"]) == (None, None)
    assert program.get(told["inputs_at"]).json() == {"text": "i" * 80_000, "length": 80_000}
    assert program.get(told["result_at"]).json() == "i" * 80_000 + "a" * 80_000
    for path in (told["inputs_at"], told["result_at"], f"/api/runs/{run.pk}/events/2"):
        assert caller(carol).get(path).status_code == 404


def test_small_inputs_and_results_are_in_the_answer_and_at_their_addresses(
    alice: User, support: Group
) -> None:
    run, program = large_run(alice, support, length=20), caller(alice)

    told = program.get(f"/api/runs/{run.pk}").json()

    assert (told["inputs"], told["inputs_at"]) == ({"text": "i" * 20, "length": 20}, None)
    assert (told["result"], told["result_at"]) == ("i" * 20 + "a" * 20, None)
    assert program.get(f"/api/runs/{run.pk}/result").json() == told["result"]


def test_an_event_is_read_with_its_large_values(alice: User, support: Group) -> None:
    run, program = large_run(alice, support), caller(alice)
    events = program.get(f"/api/runs/{run.pk}/events").json()["items"]
    step = next(event for event in events if event["kind"] == "step.succeeded")
    state = next(event for event in events if event["kind"] == "state")

    assert step["data"]["result"] is None
    whole = program.get(f"/api/runs/{run.pk}/events/{step['seq']}").json()
    assert whole["data"]["result"] == "a" * 80_000
    whole = program.get(f"/api/runs/{run.pk}/events/{state['seq']}").json()
    assert whole["data"]["value"] == "s" * 80_000


def test_the_result_of_a_run_without_one_is_not_there(alice: User) -> None:
    run = ask("approval", by=alice).wait.run

    assert caller(alice).get(f"/api/runs/{run.pk}/result").status_code == 404


def test_a_key_finds_its_run_by_large_inputs(alice: User, support: Group) -> None:
    grant("returns_much", support, "start")
    inputs = {"text": "k" * 70_000, "length": 1}

    first, is_new = start_run("returns_much", inputs, by=alice, idempotency_key="k")
    with configured(LARGE_VALUE_BYTES=1024**2):
        again, is_new_again = start_run("returns_much", inputs, by=alice, idempotency_key="k")
        with pytest.raises(KeyReusedError):
            start_run("returns_much", {**inputs, "length": 2}, by=alice, idempotency_key="k")

    assert (first.pk, is_new, is_new_again) == (again.pk, True, False)


def test_a_restart_has_large_inputs_and_files(alice: User, support: Group) -> None:
    grant("takes_file_and_text", support, "start", "operate")
    with use_file_store(ContentStore()):
        sheet = File.store("orders.csv", b"a,b")
    run, _ = start_run("takes_file_and_text", {"text": "t" * 70_000, "sheet": sheet}, by=alice)

    again, _ = restart_run(run.pk, by=alice, reason="Once more.", inputs={"text": "u" * 70_000})
    advance_run(again.pk)
    respond(caller(User.objects.create_superuser("root")), request_of(again), value=True)
    advance_run(again.pk)

    again.refresh_from_db()
    assert again.result == '"70000 a,b"'
    assert [file.name for file in again.artifacts.all()] == ["orders.csv"]


def test_lists_leave_values_in_the_database(alice: User, support: Group) -> None:
    run, client = large_run(alice, support, length=20), browser(alice)
    Run.objects.filter(pk=run.pk).update(result='"' + "z" * 5_000_000 + '"')

    for path in ("/api/runs", "/runs", "/", f"/runs/changes?shown={run.pk}", "/procedures"):
        of_runs = [
            sql for sql in queries_of(client, path) if 'FROM "countersign_procedures_run"' in sql
        ]
        loaded = [sql for sql in of_runs if '."result"' in sql or '."inputs"' in sql]
        assert not loaded, (path, loaded)
    assert len(client.get("/api/runs").content) < 2_000
