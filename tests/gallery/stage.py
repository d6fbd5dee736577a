"""A site with runs in every state and requests of every kind, besides what the demo creates."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest, Session
from chat.services import (
    Answer,
    claim_request,
    delegate,
    post_message,
    respond,
    snooze_request,
    withdraw_request,
)
from dashboard.accounts.sign_in import sign_in_link
from dashboard.demo.people import create_demo
from dashboard.demo.runs import at
from dashboard.demo.seed import seed
from dashboard.models import ApiToken, Scope
from procedures.journal.claiming import claim
from procedures.models import Procedure, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import (
    ForkPoint,
    cancel_run,
    expire_wait,
    fork_run,
    pause_run,
    restart_run,
    start_run,
)
from tests.calls import assign_too, decide_ahead, grant, request_of
from tests.gallery.talk import add_gathering
from tests.operated import quarantine
from tests.sockets import session_of

ROLES = {"support": ("start",), "finance": ("answer",), "operators": ("operate",)}
AGO = timedelta(minutes=9)
LETTER = "Dear customer,\n\n" + "we have looked for your parcel in every depot. " * 60
"""A draft that is longer than a screen."""
TRANSCRIPT = 120
"""The messages of a long session."""


@dataclass
class Stage:
    """The people, and the runs by the name of what they show."""

    people: dict[str, User] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    """Sessions that were opened without a run, by name."""
    link: str = ""
    """The path of a link that signs somebody in who has never signed in."""

    def cookie_of(self, person: str) -> tuple[str, str]:
        """Return the name and the value of a cookie with which somebody is signed in."""
        return settings.SESSION_COOKIE_NAME, session_of(self.people[person])

    def request(self, name: str) -> HumanRequest:
        return request_of(self.runs[name])

    def start(self, name: str, procedure: str, **inputs: Any) -> Run:
        """Start a run that `starter` owns, and advance it until it waits or ends."""
        run, _ = start_run(procedure, inputs, by=self.people["starter"])
        advance_run(run.pk)
        self.runs[name] = run
        return run

    def answer(self, name: str, value: Any, comment: str = "", *, by: str = "approver") -> None:
        request, run = self.request(name), self.runs[name]
        answer = Answer(value, comment, channel="page", is_confirmed=True)
        respond(request.pk, answer, by=self.people[by])
        advance_run(run.pk)


def set_stage(*, runs: int, requests: int) -> Stage:
    """Fill an empty site as `manage.py seed` does, and add what the seed doesn't have."""
    create_demo()
    stage = Stage({user.get_username(): user for user in User.objects.all()})
    stage.people["admin"] = User.objects.create_superuser("admin")
    stage.people["deputy"] = User.objects.create_user("deputy")
    stage.people["deputy"].groups.add(Group.objects.get(name="finance"))
    for procedure in Procedure.objects.exclude(name__in=("desk", "refund", "release")):
        for group, roles in ROLES.items():
            grant(procedure.name, Group.objects.get(name=group), *roles)
    seed(runs, requests, lambda _: None)
    for add in (add_runs, add_shapes, add_requests, add_closed, add_talk, add_meeting, add_rights):
        add(stage)
    stage.link = urlsplit(sign_in_link(User.objects.create_user("newcomer"))).path
    return stage


def add_runs(stage: Stage) -> None:
    """Add a run in each state."""
    operator = stage.people["operator"]
    with at(-AGO):
        for name in ("queued", "running"):
            stage.runs[name], _ = start_run("desk", CASE, by=stage.people["starter"])
    claim(stage.runs["running"].pk)
    with at(-AGO):
        stage.start("paused", "desk", **CASE)
        stage.start("cancelled", "desk", **CASE)
        stage.start("failed", "broken_child")
        stage.start("failed early", "desk", **CASE | {"outcome": "bank fails"})
        stage.start("quarantined", "swallower")
        stage.start("mismatch", "question")
        stage.start("time", "desk", **CASE | {"outcome": "rest"})
        stage.start("signal", "waits_for_a_reason", wait="paid", reason="The bank will tell us.")
        stage.start("done", "desk", **CASE | {"outcome": "done"})
    quarantine(stage.runs["mismatch"])
    pause_run(stage.runs["paused"].pk, by=operator, reason="The bank is closed until Monday.")
    cancel_run(stage.runs["cancelled"].pk, by=operator, reason="The customer has called.")
    again, _ = restart_run(stage.runs["done"].pk, by=stage.people["admin"], reason="Once more.")
    stage.runs["restarted"] = again
    point = ForkPoint("look_up")
    fork, _ = fork_run(stage.runs["done"].pk, point, by=stage.people["admin"], reason="Elsewhere.")
    advance_run(fork.pk)
    stage.runs["forked"] = fork


def add_shapes(stage: Stage) -> None:
    """Add runs of each shape."""
    with at(-AGO):
        stage.start("files", "two_files")
        stage.start("map", "above_many")
        stage.start("branches", "keeps_state", size=30)
        stage.start("gather", "counted_in_branches")
        stage.start("many steps", "many_quick_steps", times=300)
        stage.start("long word", "long_words")
        stage.start("arabic", "arabic")
        stage.start("family", "named_refunds", orders=["A-1", "A-2"], day="2026-11-28")
        stage.start("alarmed", "alarmed")
        stage.start("pictured", "returned", order="2024-1187", amount=40)
        stage.start("pictured, ended", "returned", order="2024-1190", amount=60)
    for child in Run.objects.filter(parent_wait__isnull=False):
        advance_run(child.pk)
    advance_run(stage.runs["map"].pk)
    stage.runs["child"] = Run.objects.filter(parent_wait__run=stage.runs["family"]).latest("pk")


CASE = {"order": "2026-4711", "amount": "1284.50"}
KINDS = (
    *("approval", "text", "date", "boolean", "choice", "many", "review", "data", "form"),
    *("problem", "told of trouble", "moment", "length", "money", "described", "own words"),
    *("nested", "upload", "uploads", "file", "markdown", "code", "table", "evidence", "told"),
)


def add_requests(stage: Stage) -> None:
    """Add an open request of each kind, and with each condition."""
    for kind in KINDS:
        stage.start(kind, "one_of_each", kind=kind)
    for kind in ("approval", "choice", "form"):
        stage.start(f"irreversible {kind}", "final_answers", kind=kind)
    stage.start("quorum", "agreed", quorum=2, veto=True)
    stage.start("four eyes", "looked_at_twice")
    stage.start("explained", "explained")
    stage.start("hurried", "hurried")
    stage.start("asks back", "revised")
    stage.start("set", "three_opinions")
    stage.start("long choice", "inbox_item", prompt="Which depot?", kind="long choice")
    long = {"prompt": "Is this letter right?", "kind": "review", "options": {"draft": LETTER}}
    stage.start("long draft", "inbox_item", **long)
    amounts = {"before": {"amount": "1284.50", "town": "Bremen"}, "after": {"amount": "1248.50"}}
    stage.start("difference", "shows_evidence", evidence=amounts)
    wide = [{f"column {n}": f"{n * 1234:,}.50 €" for n in range(9)} for _ in range(4)]
    stage.start("wide table", "shows_evidence", evidence=wide)
    others = {"prompt": "May we close the account?", "assign": "operators"}
    stage.start("of others", "inbox_item", **others)
    stage.start("claimed", "inbox_item", prompt="Who looks into this?")
    claim_request(stage.request("claimed").pk, by=stage.people["approver"])
    stage.start("claimed by others", "inbox_item", prompt="Who writes the letter?")
    claim_request(stage.request("claimed by others").pk, by=stage.people["deputy"])
    stage.start("snoozed", "inbox_item", prompt="Shall we order more paper?")
    until = clock.now() + timedelta(days=2)
    snooze_request(stage.request("snoozed").pk, by=stage.people["approver"], until=until)


def add_closed(stage: Stage) -> None:
    """Add requests that have ended in each way."""
    for name, kind, value in ANSWERED:
        stage.start(name, "one_of_each", kind=kind)
        stage.answer(name, value)
    stage.start("held", "inbox_item", prompt="Send the newsletter?", options={"undo": "1 day"})
    stage.answer("held", value=True)
    stage.start("voted", "agreed", quorum=2)
    stage.answer("voted", value=True)
    stage.start("rejected", "explained")
    stage.answer("rejected", value=False, comment="Not before the audit. " * 12)
    stage.start("withdrawn", "one_of_each", kind="approval")
    withdraw_request(
        stage.request("withdrawn").pk, by=stage.people["admin"], reason="Asked by mistake."
    )
    advance_run(stage.runs["withdrawn"].pk)
    with at(timedelta(hours=-5)):
        stage.start("expired", "one_of_each", kind="told")
    expired = stage.request("expired")
    expire_wait(expired.wait)
    advance_run(stage.runs["expired"].pk)


ANSWERED: tuple[tuple[str, str, Any], ...] = (
    ("approved", "approval", True),
    ("chosen", "choice", "b"),
    ("reviewed", "review", {"decision": "approved", "text": "Dear bob,\nit is lost.\n"}),
    (
        "filled in",
        "form",
        {"amount": "31.20", "due": "2026-12-24", "carrier": "post", "sender": "Mrs Blum"},
    ),
)


def add_talk(stage: Stage) -> None:
    """Add a long transcript of people in several languages."""
    session = stage.request("told").session
    words = (
        "I have looked at it.\n\nIt is **fine**, see https://example.org/a-rather-long-address.",
        "من يدفع 9 EUR الآن",
        "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
        "お荷物が見つかりました。明日到着します。",
        "Thanks!",
    )
    for number in range(TRANSCRIPT):
        by = stage.people["starter" if number % 3 else "approver"]
        post_message(session, words[number % len(words)], by=by, client_key=f"k{number}")


def add_meeting(stage: Stage) -> None:
    """Add a session of many people with all that messages can show."""
    stage.sessions["gathering"] = add_gathering(stage.people, stage.runs)
    for name, value in {"planned": True, "pictured, ended": True}.items():
        stage.answer(name, value)


def add_rights(stage: Stage) -> None:
    """Add tokens, a standing decision, an absence, and somebody whom requests name."""
    approver, starter = stage.people["approver"], stage.people["starter"]
    leaver = stage.people["leaver"] = User.objects.create_user("leaver", is_staff=False)
    leaver.groups.add(Group.objects.get(name="support"))
    for name in ("named and finance", "named alone"):
        stage.start(name, "question")
        assign_too(stage.request(name), user=leaver)
    stage.request("named alone").assignments.filter(user=None).delete()
    delegate(by=leaver, to=starter, until=clock.now() + timedelta(days=3), reason="Holidays.")
    for name in ("Nightly report", "Warehouse"):
        ApiToken.create_for(approver, scopes=Scope, name=name)
    stage.start("alike", "alike")
    decide_ahead(stage.request("alike"), approver)
