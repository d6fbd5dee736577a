"""Auditors read what administrators did, and who came in; a run's history shows its journal."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.services import Answer, respond
from dashboard.accounts.sign_in import sign_in_link
from dashboard.models import ApiToken
from procedures.models import Act
from procedures.runner import advance_run
from procedures.services import cancel_run
from tests.calls import request_of, run_until_it_waits
from tests.conftest import make_staff
from tests.pages import browser

LOG = "/admin/countersign_procedures/act/"


@pytest.fixture
def auditor(carol: User) -> Client:
    return browser(make_staff(carol, "view_act"))


def test_auditors_read_the_log_and_change_nothing(auditor: Client, bob: User) -> None:
    bob.set_password("correct horse battery")
    bob.save()
    client = Client()
    client.post("/sign-in", {"username": "bob", "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    client.login(username="bob", password="correct horse battery")
    sign_in_link(bob, by="make run")
    ApiToken.create_for(bob, name="robot")
    token = ApiToken.objects.get()
    client.post(f"/profile/tokens/{token.pk}/revocation")

    acts = Act.objects.filter(about__contains="bob").order_by("pk")
    assert list(acts.values_list("kind", "name", "about", "words")) == [
        ("failure", "", "bob", "A sign-in failed."),
        ("sign_in", "bob", "bob", "Signed in."),
        ("link", "make run", "bob", "A sign-in link was created."),
        ("token", "bob", "robot of bob", "Created the token robot of bob."),
        ("token", "bob", "robot of bob", "Revoked the token robot of bob."),
    ]
    assert Act.objects.get(kind="failure").address == "192.0.2.7"
    shown = auditor.get(LOG).content.decode()
    assert "Created the token robot of bob." in shown
    assert f"(id {bob.pk})" in shown
    entry = Act.objects.latest("pk")
    assert auditor.post(f"{LOG}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser(bob).get(LOG).status_code == 302


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("unix:/run/web.sock", None),
        ("", None),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.7, 192.0.2.8", None),
    ],
)
def test_an_address_is_kept_as_any_server_names_it(bob: User, told: str, kept: str | None) -> None:
    sent = {"username": "bob", "password": "wrong"}
    assert Client().post("/sign-in", sent, REMOTE_ADDR=told).status_code == 200
    assert Act.objects.get(kind="failure").address == kept


def test_a_runs_history_shows_its_journal(admin_client: Client, admin_user: User) -> None:
    run = run_until_it_waits("question", by=admin_user)
    cancel_run(run.pk, by=admin_user, reason="No longer needed.")
    other = run_until_it_waits("question", by=admin_user)
    respond(request_of(other).pk, Answer(value=True, comment="Fine."), by=admin_user)
    advance_run(other.pk)

    history = admin_client.get(
        f"/admin/countersign_procedures/run/{run.pk}/history/"
    ).content.decode()
    assert "No longer needed." in history
    assert f"admin (id {admin_user.pk})" in history
    assert (
        "Approved by"
        in admin_client.get(
            f"/admin/countersign_procedures/run/{other.pk}/history/"
        ).content.decode()
    )


def test_a_verification_leaves_an_entry(admin_client: Client, admin_user: User) -> None:
    run = run_until_it_waits("question", by=admin_user)
    form = {"action": "verify", "_selected_action": [str(run.pk)]}

    admin_client.post("/admin/countersign_procedures/run/", form)

    entry = Act.objects.about(run).get(kind="verify")
    assert entry.by_id == str(admin_user.pk)
    assert entry.words.startswith("Verified the journal. All ")
