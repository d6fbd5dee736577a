"""People link company accounts to their own accounts, and remove the links."""

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client

from tests.company.conftest import PASSWORD, signed_in, who
from tests.company.provider import Company
from tests.company.steps import acts, back, leading_to, refusal, sign_in
from tests.conftest import create_person
from tests.pages import browser


def proven(name: str) -> Client:
    """A browser in which somebody has just typed the password again."""
    client = signed_in(name)
    client.post("/second-factor/again/password", {"password": PASSWORD})
    return client


def link(client: Client) -> str:
    """The path with which the browser comes back from the company."""
    return back(leading_to(client.post("/company-sign-in/corp/link")))


def test_people_link_an_account_with_another_address_and_remove_it(
    company: Company, ann: User
) -> None:
    company.person |= {"email": "blum@elsewhere.example", "email_verified": False}
    asked = signed_in("ann").post("/company-sign-in/corp/link")
    assert asked["Location"].startswith("/second-factor/again/password")
    owner = proven("ann")
    for _ in range(2):  # the second time changes nothing
        assert owner.get(link(owner))["Location"] == "/second-factor"
    assert "Linked an account at Corp." in acts()
    sign_in(client := Client())
    assert who(client) == "ann"

    assert "Account at Corp: blum@elsewhere" in owner.get("/second-factor").content.decode()
    path = f"/second-factor/companies/{SocialAccount.objects.get().pk}/removal"
    stranger = browser(create_person("zoe"))
    assert stranger.post(path).status_code == 404
    assert "/again/" in signed_in("ann").post(path)["Location"]
    assert SocialAccount.objects.exists()
    assert owner.post(path)["Location"] == "/second-factor"
    assert not SocialAccount.objects.exists()
    assert "Removed a way to sign in: Account at Corp: blum@elsewhere.example." in acts()


def test_an_account_is_linked_with_nobody_else(company: Company, ann: User) -> None:
    sign_in(Client())
    other = browser(create_person("zoe"))
    assert "already linked to another user" in refusal(other.get(link(other)))[1]

    company.person["sub"] = "another"
    path = link(other)
    other.logout()
    other.force_login(ann)  # who comes back in a browser that zoe has left
    assert refusal(other.get(path))[0] == 403
    assert Client().post("/company-sign-in/corp/link")["Location"].startswith("/sign-in")
    [account] = SocialAccount.objects.all()
    assert account.user.username == "ann"
