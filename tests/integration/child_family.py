"""A parent in whose session a child asks somebody to whom the parent stays hidden."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User

from chat.models import HumanRequest, Member, Message, Session
from chat.services import post_message, reassign_request
from dashboard.accounts.sign_in import tokens
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import Sent, send_signal, sweep
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.conftest import create_person, group
from tests.every_table import fill_tables, hold_on
from tests.procedures.kinships import MARK
from tests.routes import addresses
from tests.runs import answer


@dataclass(frozen=True)
class Family:
    """A parent in whose session a child asks carol."""

    parent: Run
    child: Run
    bob: User

    @property
    def session(self) -> Session:
        return request_of(self.child).session

    @property
    def secrets(self) -> list[str]:
        """The texts that must not be found: the mark, and the ids of the parent's rows."""
        requests = HumanRequest.objects.filter(wait__run=self.parent)
        said = Message.objects.filter(run=self.parent)
        ids = [*requests.values_list("pk", flat=True), *said.values_list("pk", flat=True)]
        return [MARK, str(self.parent.pk), *map(str, ids)]

    def go_on(self, phase: str) -> None:
        if phase in ("mapping", "ended"):
            answer(request_of(self.parent), value="a zebra word", by=self.bob)
            advance_run(self.parent.pk)
            for child in Run.objects.filter(parent_wait__kind="map"):
                advance_run(child.pk)
        if phase == "ended":
            for child in Run.objects.filter(parent_wait__kind="map"):
                whom = json.loads(child.inputs)["whom"][1:]
                answer(request_of(child), by=User.objects.get(username=whom))
                advance_run(child.pk)
            sweep()
            advance_run(self.parent.pk)
            self.parent.refresh_from_db()
            assert self.parent.status == "succeeded"


def make_family(alice: User, carol: User, dave: User, support: Group, operators: Group) -> Family:
    """Alice has started it; zebra_bob has answered, zebra_erin is a member and writes."""
    bob, erin = create_person("zebra_bob", group("zebras")), create_person("zebra_erin")
    for user in (alice, carol, bob, erin, dave):
        user.email = f"{user.username}@sign.example"
        user.save()
    grant("zebra_parent", support, "start")
    grant("zebra_parent", operators, "operate")
    with use_file_store(ContentStore()):
        paper = File.store("zebra-paper.csv", "zebra;content\n")
    inputs = {"paper": paper, "remark": "zebra remark", "whom": "@carol"}
    parent = run_until_it_waits("zebra_parent", by=alice, **inputs)
    session = request_of(parent).session
    reassign_request(request_of(parent).pk, to="@zebra_bob", by=dave, reason="A zebra reason.")
    for value in (True, {"decision": "approved", "text": "A zebra edit."}):
        answer_with_comment(request_of(parent), value, by=bob)
        advance_run(parent.pk)
    send_signal(parent.pk, Sent("zebra_signal", "z-1", "zebra"), by=alice)
    Member.join(session, erin, at=clock.now())
    card = Message.objects.get(request=HumanRequest.objects.earliest("pk"))
    post_message(session, "Free zebra words.", by=erin)
    post_message(session, "Zebra words about a question.", by=bob, reply_to=card)
    child = Run.objects.get(parent_wait__run=parent)
    advance_run(child.pk)
    parent.refresh_from_db()
    child.refresh_from_db()
    return Family(parent, child, bob)


def answer_with_comment(request: HumanRequest, value: Any, *, by: User) -> None:
    path = f"/api/requests/{request.pk}/response"
    body = {"value": value, "comment": "A zebra comment."}
    assert caller(by).post(path, body, "application/json").status_code == 201


def places(run: Run, user: User) -> dict[str, object]:
    """The values of each parameter of a route; for the admin, all rows there are."""
    request = HumanRequest.objects.filter(wait__run=run).earliest("pk")
    own = run.artifacts.first()
    return {
        "procedures/name": run.procedure.name,
        "access/procedure": run.procedure.name,
        "/role": "answer",
        "person/key": user.pk,
        "groups/key": Group.objects.earliest("pk").pk,
        "holds/key": hold_on(user).pk,
        "runs/run_id": run.pk,
        "artifacts/name": own.name if own else "none.csv",
        "files/name": own.name if own else "none.csv",
        "files/digest": own.digest if own else "0" * 64,
        "signals/name": "signal",
        "events/seq": 1,
        "whole/name": "inputs",
        "whole/part": "evidence",
        "messages/message_id": Message.objects.filter(session=request.session).earliest("seq").pk,
        "signals/number": 1,
        "tokens/token_id": 0,
        "sign-ins/sign_in_id": 0,
        "browsers/subscription_id": 0,
        "delegations/delegation_id": 0,
        "chat/session_id": request.session_id,
        "sessions/session_id": request.session_id,
        "members/member_id": Member.objects.filter(session=request.session_id).earliest("pk").pk,
        "starts/name": run.procedure.name,
        "requests/request_id": request.pk,
        "standing-decisions/decision_id": 0,
        "operations/name": "pause",
        "channels/name": "page",
        "sign-in/name": user.username,
        "/token": tokens.make_token(user),
    }


def paths(family: Family, carol: User) -> list[str]:
    """Every route with the ids of the child and of the parent, and what can be asked of some."""
    create_rows_for_admin(family)
    found = {
        one.path for run in (family.child, family.parent) for one in addresses(places(run, carol))
    }
    session, parent = family.session.pk, family.parent
    asked = HumanRequest.objects.filter(wait__run=parent).earliest("pk")
    streams = [f"session:{session}", f"run:{parent.pk}", f"run:{family.child.pk}"]
    return [
        *sorted(found),
        *(f"/live/range?stream={one}&form={form}" for one in streams for form in ("page", "data")),
        f"/live/range?stream=run:{parent.pk}&form=card",
        f"/chat/rows?current={session}",
        f"/chat/{session}?before=9999",
        f"/requests/waiting?shown={asked.pk}",
        f"/runs?procedure={parent.procedure.name[:5]}_p",
        f"/runs/changes?shown={parent.pk}&shown={family.child.pk}",
        f"/runs/{family.child.pk}?rows=all",
        f"/api/requests?run={parent.pk}",
        "/api/requests?status=answered",
        "/api/runs?status=waiting",
        f"/api/runs?parent={parent.pk}",
        "/runs?state=people",
    ]


def create_rows_for_admin(family: Family) -> None:
    """Its pages need a row of every table; carol sees none of them."""
    erin = User.objects.get(username="zebra_erin")
    fill_tables(request_of(family.parent), family.bob, deputy=erin)


def text_of(response: Any) -> str:
    body = b"".join(response) if response.streaming else response.content
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    return f"{headers}\n{body.decode()}"


def found_in(text: str, secrets: list[str]) -> list[str]:
    folded = text.casefold()
    return [secret for secret in secrets if secret.casefold() in folded]


def without_keys(html: str) -> str:
    """Remove the cursors from a page, and whatever is new each time it is drawn."""
    for pattern in (
        r'name="(csrfmiddlewaretoken|client_key)" value="[^"]*"',
        r'value="[^"]*" name="client_key"',
        r'stream="session:[^"]*" form="page" after="\d+"',
        r'datetime="[^"]*">when the page was opened',
        r' mark="[\w=-]*"',
    ):
        html = re.sub(pattern, "", html)
    return html
