"""Agents on the site: calls are approved, changed and decided in advance, and pages tell it all."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest, StandingDecision
from chat.services import Answer, StandingLimits, respond
from procedures.engine.errors import AnswerError
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.kind_pages import send
from tests.pages import browser, grant_to_both, shown
from tests.procedures.agents import looked_up, paid

pytestmark = pytest.mark.django_db
CHANGED = {
    "decision": "approved",
    "values": "shown",
    "field-order": "A-7",
    "field-amount": "20.00",
    "comment": "Half of it.",
}


@pytest.fixture(autouse=True)
def granted(finance: Group) -> None:
    paid.clear()
    looked_up.clear()
    grant_to_both("answers_by_agent")
    grant("answers_by_agent", finance, "answer")


def ended(run: Run) -> Any:
    advance_run(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    return json.loads(run.result or "")


def test_a_call_is_changed_on_its_page_and_both_pages_tell_it(alice: User, bob: User) -> None:
    run = run_until_it_waits("answers_by_agent", by=alice)
    request, client = request_of(run), browser(bob)

    card = shown(client.get(f"/requests/{request.pk}"))
    refused = send(client, request, **(CHANGED | {"field-amount": "x"}))
    taken = send(client, request, **CHANGED)

    assert "Pay back 31.20 € for A-7?" in card
    assert "tests.procedures.agents.pay_back" in card
    assert "Change the values" in card
    assert "31.20" in card
    assert refused.status_code == 422
    assert taken.status_code == 200
    assert "20.00 € paid back" in ended(run)
    assert [one for _, one in paid.popitem()[1]] == [20]
    receipt = shown(client.get(f"/requests/{request.pk}"))
    assert "31.20 EUR → 20.00 EUR" in receipt
    page = shown(browser(alice).get(f"/runs/{run.pk}"))
    assert "Used by its steps: <bdi>3 requests" in page
    chat = shown(browser(alice).get(f"/chat/{request.session_id}"))
    assert "I look the order up." in chat
    assert "Used by its steps: <bdi>3 requests" in chat
    for name, amount in (("find_order", ""), ("pay_back", "20.00")):
        [line] = re.findall(rf"<code>{name}</code>(.*?)</li>", chat)
        assert "<bdi>A-7</bdi>" in line
        assert amount in line


def test_one_answer_counts_for_later_calls_unless_it_changes_a_value(
    alice: User, bob: User
) -> None:
    first = request_of(run_until_it_waits("answers_by_agent", by=alice))
    also = StandingLimits(2, clock.now() + timedelta(days=1))
    edited = {"decision": "approved", "values": {"order": "A-7", "amount": "20"}}

    with pytest.raises(AnswerError, match="changed a value"):
        respond(first.pk, Answer(edited, channel="page", also=also), by=bob)
    respond(first.pk, Answer({"decision": "approved"}, channel="page", also=also), by=bob)
    later = run_until_it_waits("answers_by_agent", by=alice)

    assert StandingDecision.objects.get().uses_left == 1
    assert not HumanRequest.objects.open().filter(wait__run=later).exists()
    assert "31.20 € paid back" in ended(later)
