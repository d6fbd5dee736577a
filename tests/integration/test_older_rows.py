"""No page breaks on what an older version kept, nor shows text as what it is not."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import HumanRequest
from dashboard.channels.letter import letter_about
from procedures.engine.values import canonical
from procedures.models import Event, Run
from tests.calls import caller, request_of, run_until_it_waits
from tests.pages import browser, grant_to_both, shown

pytestmark = pytest.mark.django_db
HIDDEN = "\u202e\u2066\u200b\ufeff\u2028\x07\u00ad\u2800"
WRITTEN = "pay \\u202e\\u2066\\u200b\\ufeff\\u2028\\u0007\\u00ad\\u2800 me"
EDITED = re.compile("<textarea.*?</textarea>", re.DOTALL)
PARTS = ("prompt", "body", "labels", "draft", "assign", "evidence", "volatile", "expires")


def pages_of(request: HumanRequest) -> list[str]:
    run, session = request.wait.run_id, request.session_id
    return [
        *("/", f"/runs/{run}", f"/runs/{run}/journal", f"/chat/{session}"),
        *(f"/requests/{request.pk}", f"/live/range?stream=session:{session}&form=page"),
    ]


def rewrite(kept: Any, field: str, parts: dict[str, Any]) -> None:
    """Put that into a row, as an older version may have kept it."""
    text = canonical.text_of({**canonical.plain(getattr(kept, field)), **parts})
    type(kept).objects.filter(pk=kept.pk).update(**{field: text})


@pytest.mark.parametrize("odd", [5, {"items": 1}, [[None]], None])
def test_odd_parts_of_a_question_break_no_page(odd: Any, alice: User, bob: User) -> None:
    grant_to_both("says_all")
    request = request_of(run_until_it_waits("says_all", by=alice, text="Well"))
    parts = dict.fromkeys(PARTS, odd)
    rewrite(request, "question", parts)
    rewrite(Event.objects.get(run=request.wait.run, kind="wait.opened"), "data", parts)
    request.refresh_from_db()

    for path in (*pages_of(request), f"/requests/{request.pk}/form"):
        assert browser(bob).get(path).status_code == 200, path
    assert caller(bob).get(f"/api/requests/{request.pk}").status_code == 200
    assert letter_about(request, to=bob).text


@pytest.mark.parametrize("odd", [5, {"items": 1}, None, "abc", "1e999"])
def test_odd_events_break_no_page(odd: Any, alice: User) -> None:
    grant_to_both("says_all")
    run = run_until_it_waits("says_all", by=alice, text="Well")
    for event in run.events.filter(kind__in=["log", "notice", "progress", "stage"]):
        names = [name for name in canonical.plain(event.data) if name != "seq"]
        rewrite(event, "data", dict.fromkeys(names, odd))

    for path in (f"/runs/{run.pk}", f"/runs/{run.pk}/journal", f"/api/runs/{run.pk}/events"):
        assert caller_or_browser(alice, path).get(path).status_code == 200, path


def caller_or_browser(user: User, path: str) -> Client:
    return caller(user) if path.startswith("/api/") else browser(user)


def test_what_hides_or_turns_text_is_written_out_wherever_it_is_drawn(
    alice: User, bob: User, admin_user: User
) -> None:
    grant_to_both("says_all")
    request = request_of(run_until_it_waits("says_all", by=alice, text=f"pay {HIDDEN} me"))
    run = Run.objects.get(pk=request.wait.run_id)
    looks = [(bob, path) for path in pages_of(request) if "live" not in path]
    looks += [(admin_user, f"/admin/countersign_procedures/run/{run.pk}/change/")]
    looks += [(admin_user, f"/admin/countersign_chat/humanrequest/{request.pk}/change/")]
    seen = ""
    for user, path in looks:
        page = EDITED.sub("", shown(browser(user).get(path)))
        assert not set(HIDDEN) & set(page), path
        seen += page
    assert seen.count(WRITTEN) > 10
    assert not set(HIDDEN) & set(letter_about(request, to=bob).text)


def test_a_reviewer_edits_the_text_itself(alice: User, bob: User) -> None:
    grant_to_both("says_all")
    request = request_of(run_until_it_waits("says_all", by=alice, text=f"pay {HIDDEN[:4]} me"))

    form = browser(bob).get(f"/requests/{request.pk}/form").content.decode()

    assert f"\npay {HIDDEN[:4]} me</textarea>" in form
