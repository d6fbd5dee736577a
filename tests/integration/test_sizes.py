"""What people type and programs send has a size: refused in words, and nothing typed is lost."""

from dataclasses import asdict, fields
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import override_settings

from chat.models import Message
from dashboard.environment import Environment
from procedures.engine.sizes import USUAL_SIZES, Sizes
from procedures.models import Run
from tests.calls import caller, detail, respond
from tests.pages import HTMX, ask, browser, shown

pytestmark = pytest.mark.django_db
UNITS = {"options": "MOST_OPTIONS", "evidence": "LARGEST_EVIDENCE", "signal": "LARGEST_SIGNAL"}


def most(**sizes: int) -> dict[str, Any]:
    return {**settings.SIZES, **sizes}


def test_a_site_that_says_nothing_takes_what_the_engine_takes() -> None:
    assert asdict(USUAL_SIZES) == settings.SIZES


@pytest.mark.parametrize("name", [one.name for one in fields(Sizes)])
def test_the_environment_says_each_size(name: str) -> None:
    setting = UNITS.get(name, f"LONGEST_{name.upper()}")

    given: dict[str, Any] = {setting: 7}
    found = Environment(**given).sizes()

    assert found == {**asdict(USUAL_SIZES), name: 7}


@pytest.mark.parametrize(("name", "value"), [("prompt", 0), ("label", -1), ("body", "9")])
def test_what_is_no_size_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"is no size of {name}"):
        Sizes(**{name: value})


@override_settings(SIZES=most(answer=30))
@pytest.mark.parametrize(("kind", "field"), [("text", "value"), ("problem", "value")])
def test_a_long_answer_stays_in_its_form(alice: User, bob: User, kind: str, field: str) -> None:
    request = ask(kind, by=alice)
    if kind == "problem":
        bob = User.objects.create_superuser("root")
    typed = "resolved: " + "a" * 25

    path = f"/requests/{request.pk}/response"
    page = browser(bob).post(path, {field: typed, "comment": "mine"}, headers=HTMX)

    assert page.status_code == 422
    assert "The answer has 35 characters; the limit is 30." in shown(page)
    assert typed in shown(page)
    assert browser(bob).post(path, {field: typed[:30]}, headers=HTMX).status_code == 200


@override_settings(SIZES=most(comment=30))
def test_a_long_comment_stays_in_its_form(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    path = f"/requests/{request.pk}/response"

    page = browser(bob).post(path, {"value": "true", "comment": "b" * 31}, headers=HTMX)

    assert page.status_code == 422
    assert "at most 30 characters; this one has 31." in shown(page)
    assert "b" * 31 in shown(page)
    assert "maxlength" not in shown(page)
    told = detail(respond(caller(bob), request, value=True, comment="b" * 31), 422)
    assert "this one has 31" in told
    assert respond(caller(bob), request, value=True, comment="b" * 30).status_code == 201


@override_settings(SIZES=most(draft=40))
def test_an_edited_draft_stays_in_its_form(alice: User, bob: User) -> None:
    request = ask("review", by=alice)
    path = f"/requests/{request.pk}/response"
    typed = {"decision": "approved", "text": "c" * 41}

    page = browser(bob).post(path, typed, headers=HTMX)

    assert page.status_code == 422
    assert "The answer has 41 characters; the limit is 40." in shown(page)
    assert "c" * 41 in shown(page)


@override_settings(SIZES=most(answer=12))
def test_each_field_of_a_form_has_a_size(alice: User, bob: User) -> None:
    request = ask("form", by=alice)
    value = {"amount": "12.50", "due": "2026-12-24", "carrier": "post", "sender": "d" * 13}

    assert "the limit is 12" in detail(respond(caller(bob), request, value), 422)
    assert respond(caller(bob), request, {**value, "sender": "d" * 12}).status_code == 201


@override_settings(SIZES=most(message=30))
def test_a_long_message_stays_in_the_composer(alice: User, bob: User) -> None:
    session = ask("approval", by=alice).session
    path = f"/chat/{session.pk}/messages"

    page = browser(alice).post(path, {"text": "e" * 31}, headers=HTMX)

    assert page.status_code == 422
    assert "at most 30 characters; this one has 31." in shown(page)
    assert "e" * 31 in shown(page)
    assert "maxlength" not in shown(page)
    assert not Message.objects.filter(kind="person").exists()
    assert browser(alice).post(path, {"text": "e" * 30}, headers=HTMX).status_code == 200


@override_settings(SIZES=most(reason=20, signal=12))
def test_a_reason_and_a_signal_have_sizes(alice: User) -> None:
    root, run = User.objects.create_superuser("root"), ask("approval", by=alice).wait.run
    program = caller(root)

    cancel = f"/api/runs/{run.pk}/cancellation"
    told = detail(program.post(cancel, {"reason": "f" * 21}, "application/json"), 422)
    assert "at most 20 characters" in told
    sent = {"id": "s-1", "value": "g" * 11}
    told = detail(program.post(f"/api/runs/{run.pk}/signals/x", sent, "application/json"), 422)
    assert "The value has 13 characters of JSON; the limit is 12." in told
    assert Run.objects.get(pk=run.pk).status == "waiting"
    sent["value"] = "g" * 10
    answer = program.post(f"/api/runs/{run.pk}/signals/x", sent, "application/json")
    assert answer.status_code == 201
