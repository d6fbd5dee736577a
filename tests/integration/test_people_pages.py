"""The list of people and the pages about a person: what they say, and what can be ended there."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.test import Client
from django.utils.html import strip_tags

from chat.models import HumanRequest, Member
from chat.services import delegate, note_presence
from dashboard.accounts.keyed import number_in, row_with_key
from dashboard.accounts.sign_in import sign_in_link
from dashboard.models import ApiToken
from procedures.models import Act, Run
from procedures.models.clock import clock
from tests.calls import assign_too, grant
from tests.conftest import create_manager, create_person
from tests.pages import ask, browser, path_in, shown
from tests.runs import answer


def row_of(client: Client, user: User, query: str = "") -> str:
    """The words of somebody's row in the list, or "" if the list doesn't have it."""
    html = shown(client.get(f"/admin/people/?{query}"))
    rows = [one for one in html.split("<tr>") if f"/admin/person/{user.pk}/" in one]
    return " ".join(strip_tags(rows[0]).split()) if rows else ""


def test_the_list_says_who_somebody_is_and_what_waits_for_them(
    root: Client, alice: User, bob: User, dave: User, carol: User, operators: Group
) -> None:
    ask("approval", by=alice)
    grant("question", operators, "operate")
    for person in (alice, bob, dave):
        browser(person).get("/")
    note_presence(bob)
    until = clock.now() + timedelta(days=2)
    delegate(by=alice, to=bob, until=until)
    carol.is_active = False
    carol.save()
    erin = create_person("erin")

    assert row_of(root, bob).startswith("bob Active finance 1 ")
    assert "Operator" in row_of(root, dave)
    assert f"until {until:%-d %b %Y}" in row_of(root, alice)
    assert "bob answers" in row_of(root, alice)
    assert "Away" in row_of(root, alice)
    assert "Account closed" in row_of(root, carol)
    assert row_of(root, erin) == "erin Invited none 0 never"


def test_filters_narrow_the_list(
    root: Client, alice: User, bob: User, dave: User, carol: User, operators: Group
) -> None:
    grant("question", operators, "operate")
    bob.email, bob.is_staff = "robert@bank.example", True
    bob.save()
    browser(bob).get("/")
    ApiToken.create_for(dave)
    carol.is_active = False
    carol.save()
    delegate(by=alice, to=bob, until=clock.now() + timedelta(days=2))
    people = [alice, bob, carol, dave]

    def names(query: str) -> set[str]:
        found = root.get(f"/admin/people/?{query}").context["entries"]
        return {one.user.username for one in found} & {one.username for one in people}

    assert names("q=BANK.example") == {"bob"}
    assert names("group=Finance") == {"bob"}
    assert names("state=left") == {"carol"}
    assert names("state=away") == {"alice"}
    assert names("state=active") == {"bob", "dave"}
    assert names("state=invited") == set()
    assert names("privilege=operator") == {"dave"}
    assert names("privilege=staff") == {"bob"}
    assert names("privilege=superuser") == set()
    assert names("q=%00") == names("state=none") == {"alice", "bob", "carol", "dave"}


def test_the_list_continues_after_the_last_row(root: Client) -> None:
    User.objects.bulk_create(User(username=f"crowd-{number:03}") for number in range(120))
    path, found = "?q=crowd", []
    while path:
        page = root.get(f"/admin/people/{path}")
        found += [one.user.username for one in page.context["entries"]]
        path = page.context["more"]

    assert found == [f"crowd-{number:03}" for number in range(120)]


def test_what_waits_for_somebody_is_listed_with_how_they_are_asked(
    root: Client, alice: User, bob: User, asks_erin: HumanRequest
) -> None:
    asked = ask("approval", by=alice)
    assign_too(asks_erin, permission="auth.view_group")
    erin = User.objects.get(username="erin")

    bobs = shown(root.get(f"/admin/person/{bob.pk}/open/"))
    erins = shown(root.get(f"/admin/person/{erin.pk}/open/"))
    erin.is_active = False
    erin.save()

    assert "as a member of finance" in bobs
    assert f"/requests/{asked.pk}" in bobs
    assert "by name" in erins
    assert "by a permission" not in erins
    assert f"/requests/{asks_erin.pk}" in shown(root.get(f"/admin/person/{erin.pk}/open/"))


def test_who_may_not_see_a_request_reads_only_that_it_waits(alice: User, bob: User) -> None:
    asked = ask("approval", by=alice)

    page = shown(browser(create_manager()).get(f"/admin/person/{bob.pk}/open/"))

    assert "1 request isn't listed" in page
    assert str(asked.pk) not in page


@pytest.fixture
def signed_in(bob: User) -> tuple[Client, str, str]:
    """A browser, a link and a token of bob's."""
    return browser(bob), path_in(sign_in_link(bob)), token_of(bob)


TOKEN = {"name": "Cash register", "scopes": ["read"], "days": "30"}


def token_of(user: User) -> str:
    return ApiToken.create_for(user, name="Cash register")


def works(client: Client, link: str, token: str) -> tuple[bool, bool, bool]:
    headers = {"Authorization": f"Bearer {token}"}
    return (
        client.get("/profile").status_code == 200,
        Client().get(link).status_code == 200,
        Client().get("/api/runs", headers=headers).status_code == 200,
    )


@pytest.mark.parametrize(
    ("act", "left"),
    [
        ("end_session", (False, True, True)),
        ("revoke_token", (True, True, False)),
        ("end_links", (True, False, True)),
        ("end_everything", (False, False, False)),
    ],
)
def test_sessions_links_and_tokens_are_ended_one_by_one_or_all(
    root: Client, bob: User, signed_in: tuple[Client, str, str], act: str, left: tuple[bool, ...]
) -> None:
    rows = {"end_session": bob.sign_ins.get().pk, "revoke_token": bob.api_tokens.get().pk}
    assert works(*signed_in) == (True, True, True)

    done = root.post(
        f"/admin/person/{bob.pk}/sign-in/", {"act": act, "row": rows.get(act, "")}, follow=True
    )

    assert done.status_code == 200
    assert works(*signed_in) == left
    entry = Act.objects.exclude(by_id=str(bob.pk)).latest("pk")
    assert entry.name == "admin"


def test_staff_end_what_isnt_above_them_and_nothing_else(
    bob: User, dave: User, signed_in: tuple[Client, str, str]
) -> None:
    User.objects.filter(pk=dave.pk).update(is_staff=True)
    ApiToken.create_for(dave)
    client = browser(create_manager())

    def post(user: User, **fields: Any) -> int:
        return client.post(f"/admin/person/{user.pk}/sign-in/", fields).status_code

    foreign = dave.api_tokens.get().pk
    for act in ("end_everything", "end_links", "end_session", "revoke_token"):
        assert post(dave, act=act, row=foreign) == 403
    assert post(bob, act="revoke_token", row=foreign) == 302  # which isn't bob's
    assert post(bob, act="nothing") == post(bob, act="end_session", row="x") == 404
    assert dave.api_tokens.usable().exists()
    assert works(*signed_in) == (True, True, True)
    assert post(bob, act="end_everything") == 302
    assert works(*signed_in) == (False, False, False)


def test_a_link_is_made_once_and_only_for_whom_one_may_act(
    root: Client, bob: User, clerks: Group
) -> None:
    page = root.post(f"/admin/person/{bob.pk}/sign-in/", {"act": "make_link"})
    link = path_in(page.context["link"])
    assert "Copy the link now" in shown(page)
    assert Client().post(link).status_code == 302
    assert "Copy the link now" not in shown(root.get(f"/admin/person/{bob.pk}/sign-in/"))

    by = browser(create_manager(clerks))
    new, other, used = create_person("new", clerks), create_person("other"), bob
    other.groups.add(Group.objects.create(name="others"))
    permitted = create_person("permitted", clerks)
    permitted.user_permissions.add(Permission.objects.get(codename="view_run"))
    program = create_person("program", clerks)
    ApiToken.create_for(program)
    for act in ("make_link", "mail_link", "create_token"):
        for person in (other, used, permitted, program):
            path = f"/admin/person/{person.pk}/sign-in/"
            assert by.post(path, {"act": act, **TOKEN}).status_code == 403
            assert "Create a token" not in shown(by.get(path))
    assert by.post(f"/admin/person/{new.pk}/sign-in/", {"act": "make_link"}).status_code == 200


def test_a_token_is_made_for_a_program_and_shown_once(root: Client, bob: User) -> None:
    path = f"/admin/person/{bob.pk}/sign-in/"
    faulty = shown(root.post(path, {"act": "create_token", "name": "Cash register"}))
    assert "Choose at least one scope." in faulty
    assert not bob.api_tokens.exists()

    page = root.post(path, {"act": "create_token", **TOKEN})

    text = page.context["token"]
    assert "Copy it now: it can't be shown again." in shown(page)
    assert text in shown(page)
    assert text not in root.get(path).content.decode()
    headers = {"Authorization": f"Bearer {text}"}
    assert Client().get("/api/runs", headers=headers).status_code == 200
    made = bob.api_tokens.get()
    assert (made.scopes, made.expires_at is None) == (["read"], False)
    entry = Act.objects.latest("pk")
    assert (entry.kind, entry.name) == ("token", "admin")
    assert entry.words == "Created the token Cash register of bob."


def test_whoever_is_asked_by_name_has_access_of_their_own(
    admin_user: User, dave: User, asks_erin: HumanRequest
) -> None:
    User.groups.through.objects.all().delete()
    deputy, member, starter = map(create_person, ("deputy", "member", "starter"))
    delegate(by=admin_user, to=deputy, until=clock.now() + timedelta(days=1))
    Member.objects.create(session=asks_erin.session, user=member, joined_at=clock.now())
    Run.objects.update(started_by=starter)
    by = browser(create_manager())

    for name in ("erin", "deputy", "dave", "member", "starter"):
        user = User.objects.get(username=name)
        path = f"/admin/person/{user.pk}/sign-in/"
        assert by.post(path, {"act": "make_link"}).status_code == 403, name
        form = by.get(f"/admin/auth/user/{user.pk}/change/").context["adminform"].form
        assert "email" not in form.fields, name


def test_a_link_goes_by_mail_to_whoever_has_an_address(root: Client, bob: User) -> None:
    path = f"/admin/person/{bob.pk}/sign-in/"
    without = root.post(path, {"act": "mail_link"}, follow=True)
    assert "couldn&#x27;t be sent" in shown(without)

    User.objects.filter(pk=bob.pk).update(email="bob@bank.example")
    sent = root.post(path, {"act": "mail_link"}, follow=True)

    assert "was sent to bob@bank.example" in shown(sent)
    [letter] = mail.outbox
    assert letter.to == ["bob@bank.example"]
    link = next(word for word in letter.body.split() if "/sign-in/" in word)
    assert Client().post(path_in(link)).status_code == 302


def test_acts_are_shown_to_whoever_may_read_them(root: Client, alice: User, bob: User) -> None:
    answer(ask("approval", by=alice), value=True, by=bob)
    root.post(f"/admin/person/{bob.pk}/sign-in/", {"act": "end_links"})
    path = f"/admin/person/{bob.pk}/acts/"

    told = shown(root.get(path))
    assert "Revoked all sign-in links." in told
    assert "/admin/countersign_chat/humanrequest/" in told
    hidden = shown(browser(create_manager()).get(path))
    assert "permission to read the log" in hidden
    assert "permission to read the answers" in hidden
    assert "invalid" not in hidden


def test_staff_create_no_account_of_a_name_that_code_asks(root: Client) -> None:
    by, name = browser(create_manager()), "dave"
    fields = {"password1": "correct horse battery", "password2": "correct horse battery"}
    fields |= {"usable_password": "true"}

    refused = by.post("/admin/auth/user/add/", {"username": name, **fields})
    assert "asks “@dave”" in shown(refused)
    assert by.post("/admin/auth/user/add/", {"username": "newbie", **fields}).status_code == 302
    assert root.post("/admin/auth/user/add/", {"username": name, **fields}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x", "-1", "9" * 30, "9" * 5000, "1\0", "\u00b2"])
def test_a_key_that_no_row_can_have_finds_none(key: str) -> None:
    assert row_with_key(User.objects.all(), key) is None
    assert number_in(key) is None
