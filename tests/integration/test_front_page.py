"""The admin's first page shows what needs somebody; probes say whether the site works."""

import pytest
from django.contrib.auth.models import Group, User
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from chat.models import Notification
from dashboard.models import ApiToken, Scope
from dashboard.pages import probes
from procedures.models import Act, Run
from procedures.models.act import log_act
from procedures.models.clock import clock
from tests.calls import request_of, run_until_it_waits
from tests.conftest import make_staff
from tests.pages import browser, grant_to_both, queries_of, shown

FIRST = "/admin/"


def needing(alice: User, bob: User) -> None:
    """Something of each kind that needs somebody."""
    grant_to_both("question")
    run = run_until_it_waits("question", by=alice)
    asked = request_of(run)
    now = clock.now()
    Notification.objects.create(
        channel="mail", request=asked, recipient=bob, planned_at=now, status="failed"
    )
    for status in ("quarantined", "failed"):
        other = run_until_it_waits("question", by=alice)
        Run.objects.filter(pk=other.pk).update(status=status, ended_at=now)
    bob.groups.clear()


SENTENCES = (
    *("1 run is quarantined", "1 run failed in the last seven days.", "Nobody can answer"),
    *("1 notification of the last seven days", "roles and no active member", "no e-mail address"),
)


def test_it_names_what_needs_somebody(
    admin_client: Client, alice: User, bob: User, finance: Group
) -> None:
    assert "Nobody can answer" not in shown(admin_client.get(FIRST))
    assert "Invite people." not in shown(admin_client.get(FIRST))
    needing(alice, bob)
    log_act(Act.Kind.CHANGE, "Something was done.", by=alice)

    page = shown(admin_client.get(FIRST))
    for words in (*SENTENCES, "Something was done.", "Workers", "Start one: celery"):
        assert words in page


def test_a_new_site_begins_with_invitations(admin_client: Client) -> None:
    page = shown(admin_client.get(FIRST))

    assert '<a href="/admin/people/invite/">Nobody else has an account yet' in page


def test_everybody_sees_only_what_they_may(
    carol: User, dave: User, alice: User, bob: User, finance: Group
) -> None:
    needing(alice, bob)
    log_act(Act.Kind.CHANGE, "Something was done.", by=alice)

    page = shown(browser(make_staff(carol, "view_run")).get(FIRST))
    assert "1 run is quarantined" in page
    assert not [words for words in SENTENCES[2:] if words in page]
    assert "Something was done." not in page
    assert "Oldest queued run" not in page
    assert "Something was done." in shown(browser(make_staff(dave, "view_act")).get(FIRST))
    assert browser(bob).get(FIRST).status_code == 302


def test_more_rows_cost_no_more_statements_and_none_is_sent_twice(
    admin_client: Client, alice: User, bob: User, finance: Group
) -> None:
    needing(alice, bob)
    before = [len(queries_of(admin_client, FIRST)) for _ in range(2)][1]
    needing(alice, bob)

    sent = queries_of(admin_client, FIRST)

    assert len(sent) <= before
    assert len(set(sent)) == len(sent)


@pytest.mark.django_db
def test_probes_need_no_sign_in_and_tell_nothing_else(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"
    assert client.get("/readyz").content == b"ready\n"
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


def test_figures_are_for_operators_and_their_programs(
    client: Client, admin_user: User, alice: User
) -> None:
    run_until_it_waits("question", by=admin_user)
    assert client.get("/metrics").status_code == 401
    assert browser(alice).get("/metrics").status_code == 401

    def read(user: User, *scopes: Scope) -> tuple[int, str]:
        token = ApiToken.create_for(user, scopes=scopes)
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.content.decode()

    assert read(alice, Scope.READ)[0] == 401
    assert read(admin_user, Scope.ASK)[0] == 401
    status, text = read(admin_user, Scope.READ)
    assert status == 200
    lines = text.splitlines()
    assert 'countersign_runs{status="waiting"} 1' in lines
    assert "countersign_open_requests 1" in lines
    assert "# TYPE countersign_queue_age_seconds gauge" in lines
    assert browser(admin_user).get("/metrics").content.decode().startswith("# HELP")


@pytest.mark.django_db
def test_a_site_that_is_not_migrated_is_not_ready(client: Client) -> None:
    probes.MIGRATED.clear()
    applied = MigrationRecorder.Migration.objects.filter(app="countersign_chat")
    kept = list(applied)
    applied.delete()

    answer = client.get("/readyz")
    MigrationRecorder.Migration.objects.bulk_create(kept)
    assert (answer.status_code, answer.content) == (
        503,
        b"The database isn't migrated. Run `manage.py migrate`.\n",
    )
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["Bearer ", "Bearer x", "Basic x", "Bearer \u00e9"])
def test_odd_headers_are_refused(client: Client, header: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": header})
    assert answer.status_code == 401
