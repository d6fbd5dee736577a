"""The site's log: each act once, in a chain in which a change by hand shows."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.models import HumanRequest
from chat.services import claim_request, delegate, release_request, revoke_delegation
from dashboard.admin.exporting import csv_of
from procedures.models import Act, LogHead
from procedures.models.act import chain_acts, log_act, verify_log
from procedures.models.clock import clock
from procedures.services import cancel_run, pause_run, restart_run
from tests.calls import run_until_it_waits
from tests.conftest import make_staff
from tests.pages import browser, filled, queries_of

pytestmark = pytest.mark.django_db(transaction=True)
LOG = "/admin/countersign_procedures/act/"
Kind = Act.Kind


@pytest.fixture
def five(alice: User) -> list[Act]:
    made = [log_act(Kind.CHANGE, f"Change {number}.", by=alice) for number in range(1, 6)]
    return [Act.objects.get(pk=act.pk) for act in made]


def test_acts_are_numbered_in_the_order_of_their_commits(alice: User) -> None:
    log_act(Kind.CHANGE, "Before.", by=alice)
    with transaction.atomic():
        inside = log_act(Kind.CHANGE, "Inside.", by=alice)
        assert Act.objects.get(pk=inside.pk).seq is None
    log_act(Kind.CHANGE, "After.", by="clock")

    acts = Act.objects.order_by("seq").values_list("seq", "name", "words")
    assert list(acts) == [(1, "alice", "Before."), (2, "alice", "Inside."), (3, "clock", "After.")]
    assert LogHead.objects.get().seq == 3
    assert verify_log() == []


def test_an_act_that_is_rolled_back_is_in_no_log(alice: User) -> None:
    with transaction.atomic():
        log_act(Kind.CHANGE, "Never.", by=alice)
        transaction.set_rollback(True)

    assert not Act.objects.exists()


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        (lambda act: {"reason": "Because."}, "Event 3 was changed after it was written: reason."),
        (lambda act: {"by_id": "", "name": ""}, "by_id, name"),
        (lambda act: {"address": "192.0.2.1"}, "address"),
        (lambda act: {"proof": act.proof.replace("a", "b")}, "Event 3 was changed"),
    ],
)
def test_a_changed_act_is_found(five: list[Act], forge: Any, fault: str) -> None:
    Act.objects.filter(seq=3).update(**forge(five[2]))

    faults = verify_log()
    assert fault in " ".join(faults)
    assert not any("Event 2" in one or "Event 4" in one for one in faults)


def test_a_removed_act_is_found(five: list[Act]) -> None:
    Act.objects.filter(seq=2).delete()

    assert verify_log()[0] == "Event 2 is missing."
    said = io.StringIO()
    with pytest.raises(CommandError, match="faults of the log and of rows that belong to no run: "):
        call_command("verify_journal", stdout=said)
    assert "Log: Event 2 is missing." in said.getvalue()


def test_a_cut_tail_is_found(five: list[Act]) -> None:
    Act.objects.filter(seq__gte=4).delete()

    assert verify_log() == ["Events 4 to 5, the last ones, are missing."]


def test_an_act_with_a_number_that_the_log_has_not_given_is_found(five: list[Act]) -> None:
    forged = five[0]
    forged.pk, forged.seq, forged.words = None, 1_000, "Never."
    forged.save(force_insert=True)

    assert verify_log() == ["Event 1000 was inserted."]


def test_a_copied_act_is_found(five: list[Act]) -> None:
    copy = five[0]
    copy.pk, copy.seq, copy.hash = None, None, ""
    copy.save(force_insert=True)

    assert verify_log() == ["Event 6 is a copy of an earlier one."]


def test_an_act_that_was_forged_before_it_got_its_number_is_found(alice: User) -> None:
    with transaction.atomic():
        act = log_act(Kind.CHANGE, "True.", by=alice)
        Act.objects.filter(pk=act.pk).update(words="False.")

    assert verify_log() == ["Event 1 was changed after it was written: words."]


def test_acts_whose_chaining_failed_are_chained_with_the_next_one(alice: User) -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: None)
        log_act(Kind.CHANGE, "One.", by=alice)
        connection.run_on_commit = []  # as after a crash between the commit and the chaining

    assert Act.objects.get().seq is None
    log_act(Kind.CHANGE, "Two.", by=alice)
    assert list(Act.objects.order_by("seq").values_list("words", flat=True)) == ["One.", "Two."]
    assert chain_acts() == 0


def test_an_administrators_change_says_from_what_to_what(
    admin_client: Client, admin_user: User, bob: User, finance: Group
) -> None:
    page = f"/admin/auth/user/{bob.pk}/change/"
    bob.groups.clear()
    sent = filled(admin_client, page) | {"first_name": "Robert", "groups": [finance.pk]}

    admin_client.post(page, sent | {"confirmed": ""}, REMOTE_ADDR="192.0.2.9")

    act = Act.objects.about(bob).get(kind=Kind.PERSON)
    assert (act.name, act.by_id, act.address) == ("admin", str(admin_user.pk), "192.0.2.9")
    assert act.changed == [("first_name", "", "Robert"), ("groups", "", "finance")]
    history = admin_client.get(f"/admin/auth/user/{bob.pk}/history/").content.decode()
    assert "Robert" in history
    assert "192.0.2.9" in history


def test_a_password_is_never_in_the_log(admin_client: Client, bob: User) -> None:
    secret = "violet horse battery 12"
    sent = {"password1": secret, "password2": secret, "usable_password": "true"}

    answer = admin_client.post(f"/admin/auth/user/{bob.pk}/password/", sent)

    assert answer.status_code == 302
    act = Act.objects.about(bob).get(kind=Kind.PERSON)
    assert secret not in act.words + act.changes
    assert act.changes == ""


def test_what_people_do_to_their_own_account_is_logged_once(
    alice: User, bob: User, admin_user: User
) -> None:
    here, _there = browser(alice), browser(alice)
    here.post(reverse("countersign:profile_sign_ins_end"))
    here.post(reverse("countersign:profile_sign_in_end", args=[alice.sign_ins.get().pk]))
    made = delegate(by=alice, to=bob, until=clock.now() + timedelta(days=1), reason="Holidays.")
    for _again in range(2):
        revoke_delegation(made.pk, by=admin_user)
    old, words = "old horse battery 11", "violet horse battery 12"
    new = {"new_password1": words, "new_password2": words}
    browser(bob).post("/profile/password", new)
    admin_user.set_password(old)
    admin_user.save()
    browser(admin_user).post("/admin/password_change/", {"old_password": "wrong", **new})
    browser(admin_user).post("/admin/password_change/", {"old_password": old, **new})

    acts = Act.objects.filter(kind=Kind.PERSON).order_by("pk")
    told = [(act.name, act.about, act.words, act.reason) for act in acts]
    day = f"{made.until:%Y-%m-%d %H:%M %Z}"
    assert told == [
        ("alice", "alice", "Ended all other sessions (1).", ""),
        ("alice", "alice", "Ended a sign-in session.", ""),
        ("alice", "alice", f"Away until {day}. bob can answer meanwhile.", "Holidays."),
        ("admin", "alice", "Ended an absence during which bob could answer.", ""),
        ("bob", "bob", "Changed the password.", ""),
        ("admin", "admin", "Changed the password.", ""),
    ]


def test_who_releases_anothers_claim_is_logged(
    admin_user: User, bob: User, asks_erin: HumanRequest
) -> None:
    erin = User.objects.get(username="erin")
    for by in (erin, admin_user):
        claim_request(asks_erin.pk, by=erin)
        release_request(asks_erin.pk, by=by, reason="She is ill.")

    [act] = Act.objects.about(asks_erin)
    assert (act.name, act.words, act.reason) == (
        "admin",
        "Released the claim of erin.",
        "She is ill.",
    )


def test_each_operation_is_logged_with_its_reason(admin_user: User) -> None:
    run = run_until_it_waits("question", by=admin_user)
    pause_run(run.pk, by=admin_user, reason="Wait for Monday.")
    restart_run(run.pk, by=admin_user, reason="Again.")
    cancel_run(run.pk, by=admin_user, reason="Not needed.")

    acts = Act.objects.about(run).filter(kind=Kind.VERB).order_by("pk")
    assert list(acts.values_list("words", "reason")) == [
        ("Pause.", "Wait for Monday."),
        ("Restart.", "Again."),
        ("Cancel.", "Not needed."),
    ]


def test_the_log_is_filtered_and_downloaded(
    admin_client: Client, admin_user: User, five: list[Act]
) -> None:
    log_act(Kind.SWITCH, "=cmd()", by=admin_user, reason="Why, indeed?")
    today = clock.now().date().isoformat()

    answer = admin_client.post(f"{LOG}export/?kind__exact=switch&at__from={today}")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["user"], row["what was done"], row["reason"]) for row in rows] == [
        ("admin", "'=cmd()", "Why, indeed?")
    ]
    assert admin_client.get(f"{LOG}export/").status_code == 405
    assert "attachment" in answer["Content-Disposition"]
    assert Act.objects.filter(kind=Kind.EXPORT, name="admin").count() == 1

    shown = admin_client.get(f"{LOG}?kind__exact=change").content.decode()
    assert "Change 5." in shown
    assert "=cmd()" not in shown
    assert "Change 5." not in admin_client.get(f"{LOG}?at__to=2001-01-01").content.decode()
    assert admin_client.get(f"{LOG}?at__from=xyz").status_code == 302
    assert admin_client.post(f"{LOG}export/?at__from=xyz").status_code == 400


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\n=1", "\uff1d1", "\uff0b1", "\uff20a"])
def test_a_text_that_spreadsheets_would_calculate_stays_text(text: str) -> None:
    [_heading, [cell]] = csv.reader(io.StringIO(csv_of([("words", str)], [text]), newline=""))

    assert cell == f"'{text}"


def test_the_log_is_verified_by_a_button(admin_client: Client, five: list[Act]) -> None:
    answer = admin_client.post(f"{LOG}verification/", follow=True).content.decode()
    assert "entries are unchanged." in answer

    Act.objects.filter(seq=2).update(words="Nothing.")
    answer = admin_client.post(f"{LOG}verification/", follow=True).content.decode()
    assert "Event 2 was changed" in answer
    assert Act.objects.filter(kind=Kind.VERIFY).count() == 2


def test_only_those_who_may_read_the_log_export_or_verify_it(
    client: Client, alice: User, five: list[Act]
) -> None:
    staff = browser(make_staff(alice))

    assert staff.post(f"{LOG}export/").status_code == 403
    staff.post(f"{LOG}verification/")
    assert not Act.objects.filter(kind__in=[Kind.VERIFY, Kind.EXPORT]).exists()


def test_a_long_log_costs_no_more_statements(admin_client: Client, alice: User) -> None:
    log_act(Kind.CHANGE, "First.", by=alice, about=alice)
    paths = (LOG, f"/admin/auth/user/{alice.pk}/history/")
    # Twice: the first page also reads what the process keeps.
    before = [[len(queries_of(admin_client, path)) for path in paths] for _ in range(2)][1]
    acts = [
        Act(kind=Kind.CHANGE, at=clock.now(), words=f"{number}.", about_type="auth.user")
        for number in range(1_000)
    ]
    Act.objects.bulk_create(acts)

    assert [len(queries_of(admin_client, path)) for path in paths] == before


def test_logging_costs_a_fixed_number_of_statements(alice: User) -> None:
    log_act(Kind.CHANGE, "First.", by=alice)
    with CaptureQueriesContext(connection) as queries:
        log_act(Kind.CHANGE, "Second.", by=alice, about=alice)

    assert len(queries) <= 12, [one["sql"] for one in queries.captured_queries]
