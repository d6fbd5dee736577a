"""A site manager sets up an empty production site in the admin, without a shell."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from playwright.sync_api import Locator, expect

from chat.models import Delegation, HumanRequest
from procedures.conf import conf
from procedures.models import Act, Grant, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from tests.browser.conftest import OpenPage
from tests.browser.hands import Hands, Keys
from tests.processes import Web

PASSWORD = "correct horse battery staple"
PEOPLE, ASKED = 30, 12
BEHIND_A_PROXY = {"X-Forwarded-Proto": "https"}
MOST_CLICKS, MOST_FIELDS = 31, 15
REASON = "The team is set up."
STOPPED = "The store was closed."
LEAVE = timedelta(days=10)


@pytest.fixture
def production(start: Callable[[Web], Web]) -> Web:
    """A web process with the settings of a deployed site."""
    web = Web(
        SECRET_KEY="neither-guessed-nor-shown-anywhere-0123456789-abcdefghij",
        LEDGER_KEY=conf.LEDGER_KEY,  # with which this process makes the runs go on
        ALLOWED_HOSTS="127.0.0.1",
        TRUSTED_PROXIES="127.0.0.1",
    )
    web.environment["SITE_URL"] = web.url
    return start(web)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """The CSV file of thirty people, of whom the last is a program."""
    file = tmp_path / "people.csv"
    rows = ["email,first name,last name,groups"]
    for number in range(1, PEOPLE):
        group = "claims|treasury" if number <= 10 else "claims"
        rows.append(f"p{number:02}@bank.example,Person,{number},{group}")
    file.write_text("\n".join([*rows, "nightly@bank.example,Nightly,Report,programs"]))
    return file


@pytest.mark.parametrize("kind", [Keys, pytest.param(Hands, marks=pytest.mark.soak)])
def test_a_manager_sets_up_an_empty_site(
    kind: type[Hands],
    production: Web,
    open_page: OpenPage,
    people: Path,
    monkeypatch: pytest.MonkeyPatch,
    tell: Callable[[str], None],
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command(
        "createsuperuser", username="ann", email="ann@bank.example", interactive=False, verbosity=0
    )
    page = open_page(None, web=production)
    page.set_extra_http_headers(BEHIND_A_PROXY)
    # What a browser fetches ahead lacks these headers, so it would be sent to HTTPS.
    page.route("**/speculation-rules", lambda route: route.abort())
    story = Story(kind(page), production)

    story.sign_in()
    story.make_groups("claims", "treasury", "programs")
    story.invite(people)
    story.give_access()
    token = story.make_token("nightly")
    ask_through(production, token)
    story.offboard("p07")
    story.set_deputy("p08", "p09")

    story.hands.tell(tell)
    assert User.objects.count() == PEOPLE + 1
    assert Group.objects.get(name="treasury").user_set.count() == 10
    assert Act.objects.filter(by_id=str(User.objects.get(username="ann").pk)).count() > PEOPLE
    assert story.hands.clicks <= MOST_CLICKS
    assert story.hands.fields <= MOST_FIELDS


class Story:
    """The work of the manager, part by part."""

    def __init__(self, hands: Hands, web: Web) -> None:
        self.hands, self.page, self.web = hands, hands.page, web

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def sign_in(self) -> None:
        self.page.goto(f"{self.web.url}/")
        self.hands.write(self.page.get_by_label("Name"), "ann")
        self.hands.write(self.page.get_by_label("Password"), PASSWORD)
        self.hands.send()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("ann")
        self.hands.use(self.page.locator(".nav__person > summary"))
        self.hands.use(self.page.get_by_role("link", name="Admin", exact=True))
        expect(self.main).to_contain_text("Nobody else has an account yet.")
        self.hands.since_then("sign in, and open the admin")

    def make_groups(self, *names: str) -> None:
        for name in names:
            self.go_to("Groups")
            self.hands.use(self.main.get_by_role("link", name="New group"))
            self.hands.write(self.main.get_by_label("Name"), name)
            self.hands.send()
            self.is_told("The group was created.")
        self.hands.since_then(f"make {len(names)} groups")

    def invite(self, file: Path) -> None:
        self.go_to("People")
        self.hands.use(self.main.get_by_role("link", name="Invite people"))
        self.hands.choose_file(self.main.get_by_label("Or a CSV file"), file)
        self.hands.use(self.main.get_by_role("button", name="Preview"))
        expect(self.main).to_contain_text(f"{PEOPLE} accounts would be created.")
        self.hands.use(self.main.get_by_role("button", name=f"Invite {PEOPLE} people"))
        expect(self.main.locator("li code")).to_have_count(PEOPLE)
        links = self.main.get_by_label("All links").input_value().splitlines()
        assert len(links) == PEOPLE
        assert all("@bank.example\thttp" in one for one in links)
        self.hands.since_then(f"invite {PEOPLE} people")

    def give_access(self) -> None:
        self.go_to("Access")
        self.hands.write(self.main.get_by_role("searchbox", name="Procedures"), "ask people")
        self.hands.write(self.main.get_by_role("searchbox", name="Groups"), "treasury, programs")
        self.hands.send()
        for group, role in (("treasury", "See"), ("treasury", "Answer"), ("programs", "Start")):
            self.hands.use(self.main.get_by_role("checkbox", name=re.compile(f"{group}.* {role}")))
        self.hands.use(self.main.get_by_role("button", name="Review the changes"))
        self.hands.write(self.main.get_by_label("Reason"), REASON)
        self.hands.use(self.main.get_by_role("button", name="Save the changes"))
        self.is_told("The changes were saved.")
        assert Grant.objects.filter(procedure__name="ask").count() == 3
        self.hands.since_then("give three roles")

    def make_token(self, name: str) -> str:
        self.open_person(name)
        self.hands.use(self.main.get_by_role("link", name="Sign-in", exact=True))
        self.hands.use(self.main.get_by_text("Create a token"))
        self.hands.write(self.main.get_by_label("Name"), "Nightly report")
        self.hands.use(self.main.get_by_role("button", name="Create token"))
        text = self.main.get_by_role("status").locator("code").inner_text()
        self.hands.since_then("a token for a program")
        return text

    def offboard(self, name: str) -> None:
        self.open_person(name)
        self.hands.use(self.main.get_by_role("link", name="Offboard…"))
        self.hands.write(self.main.get_by_label("Requests that name only this person"), "treasury")
        self.hands.write(self.main.get_by_label("Reason"), STOPPED)
        self.hands.use(self.main.get_by_role("button", name="Offboard"))
        expect(self.main.get_by_text("went to treasury")).to_have_count(ASKED)
        moved = HumanRequest.objects.filter(assignments__group__name="treasury")
        assert moved.filter(assignments__is_open=True).count() == ASKED
        self.hands.since_then(f"offboard, with {ASKED} open requests")

    def set_deputy(self, name: str, deputy: str) -> None:
        self.open_person(name)
        self.hands.use(self.main.get_by_role("link", name="Away…"))
        self.hands.write(
            self.main.get_by_label("Away until"), f"{clock.now() + LEAVE:%m%d%Y}\t0530PM"
        )
        self.hands.write(self.main.get_by_label("Deputy"), deputy)
        self.hands.write(self.main.get_by_label("Reason"), "On leave.")
        self.hands.use(self.main.get_by_role("button", name="Save"))
        self.is_told("The deputy can answer from now on.")
        given = Delegation.objects.get()
        assert (given.user.username, given.to.username) == (name, deputy)
        self.hands.since_then("a deputy")

    def open_person(self, name: str) -> None:
        self.go_to("People")
        self.hands.use(self.main.get_by_role("link", name=name, exact=True))

    def go_to(self, part: str) -> None:
        menu = self.page.get_by_role("navigation", name="Administration")
        self.hands.use(menu.get_by_role("link", name=part, exact=True))
        expect(self.page.get_by_role("heading", level=1)).to_have_text(part)

    def is_told(self, words: str) -> None:
        expect(self.page.get_by_text(words)).to_be_visible()


def ask_through(web: Web, token: str) -> None:
    """Ask as the program does, with the new token: twelve questions for one person."""
    headers = {"Authorization": f"Bearer {token}", **BEHIND_A_PROXY}
    with httpx.Client(base_url=web.url, headers=headers, timeout=60) as program:
        for number in range(ASKED):
            inputs = {"subject": f"Pay order {number}?", "to": ["@p07"]}
            said = program.post("/api/procedures/ask/runs", json=inputs)
            assert said.status_code == 201, said.text
    for run in Run.objects.all():
        advance_run(run.pk)
    assert HumanRequest.objects.open().count() == ASKED
