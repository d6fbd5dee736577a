"""Auditors find who decided what, by what right, what they saw, and whether it is proved."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import HumanResponse
from chat.services import Answer, respond
from procedures.models import Act, Event
from tests.calls import request_of, run_until_it_waits
from tests.conftest import make_staff
from tests.pages import browser, grant_to_both, queries_of, shown

LIST = "/admin/countersign_chat/decision/"


@pytest.fixture
def auditor(carol: User) -> Client:
    return browser(make_staff(carol, "view_humanresponse", "view_run"))


def decide(alice: User, bob: User, *, comment: str = "Carrier agrees.") -> HumanResponse:
    grant_to_both("question")
    request = request_of(run_until_it_waits("question", by=alice))
    answer = Answer(value=True, comment=comment, address="192.0.2.4")
    return respond(request.pk, answer, by=bob)[0]


@pytest.fixture
def decision(alice: User, bob: User) -> HumanResponse:
    return decide(alice, bob)


def certificate(client: Client, response: HumanResponse) -> str:
    return shown(client.get(f"{LIST}{response.pk}/change/"))


def test_the_table_says_who_when_what_and_by_what_right(
    auditor: Client, decision: HumanResponse
) -> None:
    page = shown(auditor.get(LIST))

    for words in ("bob", "member of finance", "✓ sealed", decision.request.prompt):
        assert words in page
    assert 'field-pressed">Approve<' in page
    assert f"{decision.at:%H:}" in page
    assert f"{LIST}{decision.pk}/change/" in page


def test_a_certificate_shows_the_card_and_its_proof(
    auditor: Client, decision: HumanResponse
) -> None:
    page = certificate(auditor, decision)

    for words in (
        *("Carrier agrees.", "192.0.2.4", "member of finance", decision.request.prompt),
        *(decision.evidence_digest, "the answer is unchanged", "Answered"),
    ):
        assert words in page
    assert not Act.objects.filter(kind="verify").exists()  # reading writes nothing


@pytest.mark.parametrize("field", ["comment", "shown", "address"])
def test_a_changed_answer_is_told_from_a_sealed_one(
    auditor: Client, decision: HumanResponse, field: str
) -> None:
    forged = {
        "comment": "No way.",
        "shown": decision.shown.replace("?", "!"),
        "address": "192.0.2.99",
    }
    HumanResponse.objects.filter(pk=decision.pk).update(**{field: forged[field]})

    page = certificate(auditor, decision)
    assert "something was changed." in page
    assert "differs from its record" in page
    is_listed = field != "shown"  # which a list doesn't read
    assert ("✓ sealed" not in shown(auditor.get(LIST))) == is_listed


def test_a_changed_journal_is_on_the_certificate(auditor: Client, decision: HumanResponse) -> None:
    run = decision.request.wait.run
    Event.objects.filter(run=run, seq=1).update(data="{}")

    assert "something was changed." in certificate(auditor, decision)


def test_the_table_is_filtered_and_downloaded(
    auditor: Client, alice: User, bob: User, admin_user: User
) -> None:
    first = decide(alice, bob)
    other = request_of(run_until_it_waits("question", by=alice))
    respond(other.pk, Answer(value=False, reason="Nobody is there."), by=admin_user)

    def listed(query: str) -> set[str]:
        page = shown(auditor.get(f"{LIST}?{query}"))
        return {name for name in ("member of finance", "bypass: superuser") if name in page}

    assert listed("bypass=yes") == {"bypass: superuser"}
    assert listed("q=bob") == {"member of finance"}
    assert listed(f"q={str(first.request_id)[:13]}") <= {"member of finance", "bypass: superuser"}
    assert listed("procedure=question") == {"member of finance", "bypass: superuser"}
    assert listed("procedure=other") == set()
    assert listed("at__to=2001-01-01") == set()

    answer = auditor.post(f"{LIST}export/?bypass=yes")
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["user"], row["right"], row["bypass"], row["sealed"]) == (
        *("admin", "bypass: superuser"),
        *("Nobody is there.", "yes"),
    )
    assert "bypass=yes" in Act.objects.get(kind="export").words


def test_nobody_else_sees_decisions(alice: User, decision: HumanResponse) -> None:
    staff = browser(make_staff(alice))

    assert staff.get(LIST).status_code == 403
    assert staff.get(f"{LIST}{decision.pk}/change/").status_code == 403
    assert staff.post(f"{LIST}export/").status_code == 403


def test_no_decision_can_be_changed(admin_client: Client, decision: HumanResponse) -> None:
    page = f"{LIST}{decision.pk}/change/"

    assert admin_client.post(page, {"comment": "x", "_save": "1"}).status_code == 403
    assert admin_client.post(f"{LIST}{decision.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{LIST}99999999/change/").status_code == 302


def test_more_decisions_cost_no_more_statements(auditor: Client, alice: User, bob: User) -> None:
    decide(alice, bob)
    before = [len(queries_of(auditor, LIST)) for _ in range(2)][1]
    for number in range(5):
        decide(alice, bob, comment=str(number))

    assert len(queries_of(auditor, LIST)) == before
