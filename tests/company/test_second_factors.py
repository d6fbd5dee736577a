"""Second factors: set up, asked for, counted, required for staff, removed; and the log of it."""

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from dashboard.accounts.second_factor import remove_all_factors
from dashboard.accounts.sign_in import sign_in_link
from dashboard.live.sign_ins import SignIns
from dashboard.models import ApiToken
from procedures.models import Act
from tests.calls import run_until_it_waits
from tests.company.codes import code_of, give_code, set_up_app
from tests.company.conftest import PASSWORD, signed_in, who
from tests.configured import configure
from tests.conftest import create_manager, make_staff
from tests.pages import browser, path_in

BYTES = json.dumps(
    {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {
            "clientDataJSON": "eyJjaGFsbGVuZ2UiOiAiIn0",  # {"challenge": ""}
            "authenticatorData": "AAAA",
            "attestationObject": "AAAA",
            "signature": "AAAA",
            "userHandle": "AAAA",
        },
    }
)
"""An answer with all of its parts, in which nothing is right."""


@pytest.fixture
def required(settings: Settings) -> None:
    configure(settings, STAFF_NEED_SECOND_FACTOR=True)


@pytest.fixture
def boss(ann: User) -> User:
    """Ann, who may see and change people in the admin."""
    return make_staff(ann, "view_user", "change_user")


def words_about(user: User) -> list[str]:
    return list(Act.objects.about(user).order_by("pk").values_list("words", flat=True))


def test_whoever_has_set_an_app_up_is_asked_for_its_code(ann: User) -> None:
    secret, recovery = set_up_app(signed_in("ann"))
    client = signed_in("ann")

    assert who(client) is None
    assert "Second factor" in client.get("/second-factor/code").content.decode()
    refused = give_code(client, "000000")
    assert refused.startswith("This code wasn&#x27;t accepted. An app shows a new code every 30 s")
    assert who(client) is None
    code = code_of(secret)
    assert give_code(client, code) == "/"
    assert who(client) == "ann"

    again = signed_in("ann")
    assert "wasn" in give_code(again, code)
    for spelled in (code, f"{code[:3]} {code[3:]}", "-".join(code)):
        cache.clear()  # as in another process
        assert "used already" in give_code(again, spelled)
    assert who(again) is None
    assert give_code(again, recovery[0]) == "/"
    assert "accepted" in give_code(signed_in("ann"), recovery[0])
    assert {"Added a second factor: TOTP Authenticator.", "A second factor failed."} <= {
        *words_about(ann)
    }


def test_a_link_asks_for_the_second_factor_too(ann: User) -> None:
    secret, _ = set_up_app(signed_in("ann"))
    client = Client()

    assert client.post(path_in(sign_in_link(ann)))["Location"] == "/second-factor/code"
    assert who(client) is None
    give_code(client, code_of(secret))
    assert who(client) == "ann"


def test_codes_are_counted_by_name(ann: User, settings: Settings) -> None:
    secret, _ = set_up_app(signed_in("ann"))
    configure(settings, ATTEMPTS_PER_NAME="2 per hour")
    client = signed_in("ann")
    for _ in range(2):
        give_code(client, "000000")

    assert "Too many attempts" in give_code(client, code_of(secret))
    assert who(client) is None


def test_factors_are_changed_by_whoever_proves_again_who_they_are(ann: User) -> None:
    client = signed_in("ann")
    assert client.get("/second-factor/app")["Location"].startswith("/second-factor/again/password")
    assert client.post("/second-factor/app", {"code": "1"}).status_code == 302
    assert not Authenticator.objects.exists()

    set_up_app(client)
    assert client.post("/second-factor/app/removal").status_code == 302
    assert not Authenticator.objects.exists()  # nor recovery codes, which stand for a factor
    assert "Removed a second factor: TOTP Authenticator." in words_about(ann)


def test_whoever_has_a_factor_proves_with_it_before_factors_change(ann: User) -> None:
    """A thief has signed in with the password before Ann has set up a factor."""
    thief = signed_in("ann")
    secret, _ = set_up_app(signed_in("ann"))

    again = ""
    for path in ("/second-factor/recovery-codes", "/second-factor/passkeys/new"):
        again = thief.get(path)["Location"]
        assert again.startswith("/second-factor/again/code")
        by_password = again.replace("/code", "/password")
        assert thief.post(by_password, {"password": PASSWORD})["Location"] == again
        assert thief.get(path)["Location"] == again

    thief.post(again, {"code": code_of(secret)})  # who is Ann, after all
    assert thief.get("/second-factor/recovery-codes").status_code == 200


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("by", ["owner", "shell"])
def test_a_removed_factor_counts_no_longer_in_any_session(boss: User, by: str) -> None:
    set_up_app(client := signed_in("ann"))
    key = str(client.session.session_key)
    assert client.get("/admin/").status_code == 200
    assert SignIns().read([key])

    if by == "owner":
        client.post("/second-factor/app/removal")
    else:
        remove_all_factors(boss)

    assert client.get("/admin/")["Location"] == "/second-factor"
    assert client.get("/api/runs").status_code == 403
    assert not SignIns().read([key])
    set_up_app(client)
    assert client.get("/admin/").status_code == 200


def test_an_account_that_ended_between_password_and_code_stays_out(ann: User) -> None:
    secret, _ = set_up_app(signed_in("ann"))
    client = signed_in("ann")
    ann.is_active = False
    ann.save()

    answer = client.post("/second-factor/code", {"code": code_of(secret)})
    assert answer.status_code == 403
    assert "active" in answer.content.decode()
    assert who(client) is None


@pytest.mark.parametrize(
    "answer",
    ["", "{", "1", "[]", '"x"', "{}", '{"response": 1}', '{"response": {"userHandle": 1}}', BYTES],
)
def test_an_answer_that_no_passkey_gives_is_refused(ann: User, answer: str) -> None:
    client, asking = Client(), {"Accept": "application/json"}
    client.get("/second-factor/passkeys/sign-in", headers=asking)
    page = client.post("/second-factor/passkeys/sign-in", {"credential": answer}, follow=True)
    assert (page.status_code, who(client)) == (200, None)

    set_up_app(own := signed_in("ann"))
    own.get("/second-factor/passkeys/new")
    page = own.post("/second-factor/passkeys/new", {"credential": answer})
    assert page.status_code == 200
    assert not Authenticator.objects.filter(type="webauthn").exists()

    waiting = signed_in("ann")
    waiting.get("/second-factor/code")
    page = waiting.post("/second-factor/code", {"credential": answer})
    assert (page.status_code, who(waiting)) == (200, None)
    words = "This passkey wasn&#x27;t accepted. Try again, or use another one."
    is_read = answer not in ("", "{", "{}", "[]")  # Django's own field refuses these
    assert (words in page.content.decode()) is is_read


def test_without_a_password_there_is_nothing_to_prove_again(alice: User) -> None:
    client = Client()
    client.post(path_in(sign_in_link(alice)))

    assert set_up_app(client)


def test_secrets_of_factors_are_encrypted_and_in_no_list(ann: User, root: Client) -> None:
    secret, recovery = set_up_app(signed_in("ann"))
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))

    assert secret not in stored
    assert not [code for code in recovery if code in stored]
    names = {model._meta.app_label for model in admin.site._registry}  # noqa: SLF001
    assert not names & {"account", "mfa", "socialaccount"}


@pytest.mark.usefixtures("required")
def test_staff_without_a_factor_are_led_to_set_one_up_before_anything(boss: User) -> None:
    client = signed_in("ann")
    run = run_until_it_waits("question")
    posted = [f"/runs/{run.pk}/operations/cancel", "/runs/bulk", "/admin/auth/user/add/"]

    for path in ("/admin/", "/admin/people/", "/", f"/runs/{run.pk}"):
        assert client.get(path)["Location"] == "/second-factor"
    for path in posted:
        assert client.post(path, {"reason": "Now."})["Location"] == "/second-factor"
    hinted = client.get("/", headers={"HX-Request": "true"})
    assert (hinted["HX-Redirect"], hinted.content) == ("/second-factor", b"")
    api = client.get("/api/runs")
    assert (api.status_code, "second factor" in api.json()["detail"]) == (403, True)
    forged = client.get("/admin/people/", headers={"Authorization": "Bearer x"})
    assert forged.status_code == 302
    assert not SignIns().read([str(client.session.session_key)])

    set_up_app(client)
    assert client.get("/admin/people/").status_code == client.get("/").status_code == 200
    assert SignIns().read([str(client.session.session_key)])


@pytest.mark.usefixtures("required")
def test_a_session_from_before_is_led_to_the_factor(boss: User) -> None:
    old = browser(boss)
    secret, _ = set_up_app(signed_in("ann"))

    led = old.get("/admin/people/")["Location"]
    assert led.startswith("/second-factor/again/code?next=")
    assert old.post(led, {"code": code_of(secret)})["Location"] == "/admin/people/"
    assert old.get("/admin/people/").status_code == 200


@pytest.mark.usefixtures("required")
def test_others_and_programs_go_on_without_a_factor(boss: User, bob: User) -> None:
    other = browser(bob)
    assert other.get("/").status_code == 200
    token = ApiToken.create_for(boss, scopes=["read"])
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.get("/api/runs").status_code == 200
    assert Client().get("/healthz").status_code == 200


def test_managers_remove_the_factors_of_others_with_a_reason(ann: User, db: None) -> None:
    set_up_app(signed_in("ann"))
    SocialAccount.objects.create(
        user=ann, provider="corp", uid="42", extra_data={"email": "ann@corp.example"}
    )
    client, path = browser(create_manager()), f"/admin/person/{ann.pk}/sign-in/"
    page = client.get(path).content.decode()
    assert "Authenticator app" in page
    assert "ann@corp.example" in page

    app = Authenticator.objects.get(type="totp")
    form = {"act": "remove_way", "row": f"factor-{app.pk}"}
    page = client.post(path, form, follow=True).content.decode()
    assert "Enter a reason, and try again." in page
    assert client.post(path, {**form, "row": "factor-0", "reason": "x"}).status_code == 404
    assert Authenticator.objects.filter(pk=app.pk).exists()
    client.post(path, {**form, "reason": "She lost her phone."})
    assert not Authenticator.objects.filter(user=ann).exists()
    act = Act.objects.about(ann).latest("pk")
    assert (act.name, act.reason) == ("manager", "She lost her phone.")

    row = f"account-{SocialAccount.objects.get().pk}"
    client.post(path, {"act": "remove_way", "row": row, "reason": "Another Ann."})
    assert not SocialAccount.objects.exists()


def test_nobody_removes_their_own_nor_those_of_staff_there(boss: User, bob: User) -> None:
    set_up_app(own := signed_in("ann"))
    app = Authenticator.objects.get(type="totp")
    form = {"act": "remove_way", "row": f"factor-{app.pk}", "reason": "Why not?"}
    path = f"/admin/person/{boss.pk}/sign-in/"
    other = browser(create_manager())

    assert own.post(path, form).status_code == other.post(path, form).status_code == 403
    assert "Authenticator app" not in other.get(path).content.decode()
    assert "Authenticator app" in own.get(path).content.decode()
    assert Authenticator.objects.filter(pk=app.pk).exists()


@pytest.mark.usefixtures("required")
def test_a_shell_leads_back_in_whoever_has_lost_everything(boss: User) -> None:
    set_up_app(signed_in("ann"))
    call_command("remove_second_factor", "ann", stdout=(out := StringIO()))

    assert out.getvalue() == "Removed 2 second factors of ann.\n"
    client = signed_in("ann")
    assert who(client) == "ann"
    assert client.get("/admin/")["Location"] == "/second-factor"
    assert "Removed all second factors (2)." in words_about(boss)


def test_a_wrong_password_is_counted_before_factors_change(ann: User, settings: Settings) -> None:
    client = signed_in("ann")
    configure(settings, ATTEMPTS_PER_NAME="2 per hour")
    again = "/second-factor/again/password?next=/second-factor/app"
    for _ in range(2):
        client.post(again, {"password": "wrong"})

    assert "Too many attempts" in client.post(again, {"password": PASSWORD}).content.decode()
    assert client.get("/second-factor/app").status_code == 302
