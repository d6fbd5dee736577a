"""A site with everybody in it, and every address of its pages: for walks through all of them.

The people are a plain person, helpdesk, an operator, an auditor, a site manager, somebody without
a sign-in yet, and a superuser.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from chat.models import Member, Message, StandingDecision
from dashboard.models import ApiToken, PushSubscription, StandardGroup
from procedures.services import Sent, send_signal
from tests.calls import caller, grant, request_of, respond, run_until_it_waits
from tests.conftest import create_person, group, make_staff
from tests.every_table import fill_tables
from tests.routes import addresses

Kind = StandardGroup.Kind
HELPDESK, OPERATOR, AUDITOR, MANAGER = "helpdesk", "operator", "auditor", "manager"
STAFF = (HELPDESK, OPERATOR, AUDITOR, MANAGER)
TARGETS = ("plain", *STAFF, "newcomer", "boss")


@dataclass
class Site:
    """The people, and every address of the admin with the rows of somebody in it."""

    people: dict[str, User]
    values: dict[str, object]
    pages: dict[tuple[str, str], Any] = field(default_factory=dict)

    def page(self, role: str, path: str) -> Any:
        """Return the page at an address; drawn once, since every act is undone."""
        if (role, path) not in self.pages:
            self.pages[role, path] = self.browser(role).get(path)
        return self.pages[role, path]

    def browser(self, name: str) -> Client:
        client = Client(raise_request_exception=False)
        if name in self.people:
            client.force_login(self.people[name])
        return client

    def paths(self, target: str = "plain") -> list[str]:
        """The addresses of the admin, with the target in those that are about a person."""
        key = self.people[target].pk
        own = {"person/key": key, "groups/key": group("finance").pk}
        values = Anything({**self.values, **own})
        found = [one.path for one in addresses(values) if one.is_admin]
        first = User.objects.order_by("pk")[0].pk
        return [one.replace(f"/auth/user/{first}/", f"/auth/user/{key}/") for one in found]

    def pages_of_people(self) -> list[str]:
        """The addresses of the site's own pages."""
        found = addresses(Anything(self.values))
        return [one.path for one in found if not one.is_admin and not one.is_api]


def build_site() -> Site:
    """Create the people and the rows."""
    standard = {one.kind: one.group for one in StandardGroup.objects.select_related("group")}
    people = {
        "plain": create_person("plain", group("support")),
        HELPDESK: make_staff(create_person(HELPDESK), "view_user", "change_user"),
        OPERATOR: make_staff(create_person(OPERATOR, standard[Kind.OPERATORS], group("operators"))),
        AUDITOR: make_staff(create_person(AUDITOR, standard[Kind.AUDITORS])),
        MANAGER: make_staff(create_person(MANAGER, standard[Kind.MANAGERS])),
        "newcomer": create_person("newcomer"),
        "boss": User.objects.create_superuser("boss"),
    }
    for name in ("support", "finance"):
        grant("question", group(name), "start", "answer")
    grant("question", group("operators"), "operate")
    answered = run_until_it_waits("question", by=people["plain"])
    respond(caller(people["plain"]), request_of(answered), value=True)
    fill_tables(request_of(answered), people["plain"], deputy=people["boss"])
    waiting = run_until_it_waits("question", by=people["plain"])
    send_signal(waiting.pk, Sent("paid", "p-1", "in full"), by=people["plain"])
    run_until_it_waits("reports", fails=False)
    ApiToken.create_for(people["boss"])
    Client().force_login(people["boss"])
    return Site(people, values_of(answered, people["plain"]))


def values_of(run: Any, person: User) -> dict[str, object]:
    """The value of each parameter of a route of a page."""
    request = request_of(run)
    return Anything(
        {
            "access/procedure": "question",
            "/role": "answer",
            "runs/run_id": run.pk,
            "operations/name": "pause",
            "procedures/name": "question",
            "starts/name": "question",
            "requests/request_id": request.pk,
            **dict.fromkeys(("chat/session_id", "sessions/session_id"), request.session_id),
            "members/member_id": Member.objects.filter(session=request.session_id)[0].pk,
            "messages/message_id": Message.objects.latest("seq").pk,
            "standing-decisions/decision_id": StandingDecision.objects.get().pk,
            "sign-in/name": person.username,
            "tokens/token_id": person.api_tokens.latest("pk").pk,
            "sign-ins/sign_in_id": person.sign_ins.latest("pk").pk,
            "browsers/subscription_id": PushSubscription.objects.get().pk,
        }
    )


class Anything(dict[str, Any]):
    """Values of parameters; all others are "0", which nothing has."""

    def __missing__(self, key: str) -> str:
        return "0"
