"""Each kind of request by each way: asked, answered well and badly, asked back, undone, too late.

`python -m tests.kinds_table` runs this and prints the table.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest, HumanResponse
from procedures.engine.kinds import SHIPPED
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person, group
from tests.ways import PAPER, PASSWORD, WAYS, ByChat, Sent, Way

pytestmark = pytest.mark.django_db
WISH = "Say which lamp."
HOUR = timedelta(hours=1)
NOT_CONFIRMED = "This can't be undone. Press again to"
FINAL = {
    "page": NOT_CONFIRMED,
    "chat": "This answer can't be undone, so it can't be given in a message. Use the button",
    "API": "A token can't give an irreversible answer. Sign in, and answer it yourself.",
    "mail link": NOT_CONFIRMED,
}
"""The sentence of each way for whoever answers at once what can't be undone."""
BY_NO_TOKEN = "This can't be done with a token. Sign in and do it yourself."
SAID = "Here you are."
EXPIRED = "The deadline of this request has passed"


@dataclass(frozen=True)
class Tried:
    """A kind as `inbox_item` asks it, with an answer, one that is none, and what silence means."""

    kind: str
    good: Sent
    bad: Sent
    default: Any
    silence: Any = None
    """The value that the procedure gets from silence, if it isn't the default."""
    no_words: str = ""
    """The sentence for those who answer such a request with a message; "" if they can."""


PARCEL = {"name": "Blum", "parcels": 3, "carrier": "van"}
KINDS = {
    "approval": Tried(
        "approval",
        Sent({"value": "true"}, value=True, words="yes"),
        Sent({"value": "maybe"}, value="true", words="perhaps"),
        default=False,
    ),
    "action": Tried(
        "action",
        Sent({"decision": "approved"}, {"decision": "approved"}, "yes"),
        Sent({"decision": "x"}, {"decision": "x"}, "perhaps"),
        default=None,
    ),
    "input": Tried(
        "money",
        Sent({"value": "5 EUR"}, "5", "5 EUR"),
        Sent({"value": "5.001"}, "5.001", "5.001"),
        default="7",
    ),
    "choice": Tried(
        "choice",
        Sent({"value": "Replace"}, "Replace", "2"),
        Sent({"value": "Burn"}, "Burn", "Burn"),
        default="Repair",
    ),
    "form": Tried(
        "form",
        Sent({f"field-{name}": str(value) for name, value in PARCEL.items()}, PARCEL),
        Sent({"field-name": "", "field-parcels": "x"}, {"parcels": 10}),
        default=PARCEL,
        no_words="This request asks for several values. Fill in its form.",
    ),
    "review": Tried(
        "review",
        Sent({"decision": "approved"}, {"decision": "approved"}, "approve"),
        Sent({"decision": "x"}, {"decision": "x"}, "perhaps"),
        default={"decision": "rejected"},
        silence="",
    ),
    "escalation": Tried(
        "escalation",
        Sent({"value": "Resolved: called."}, "Resolved: called.", "Resolved: called."),
        Sent({"value": ""}, " ", "Who knows?"),
        default="Nobody came.",
    ),
    "upload": Tried(
        "upload",
        Sent({"value": PAPER}, PAPER),
        Sent({"value": "x"}, "x"),
        default=None,
        no_words="This request asks for a file. Send it with the form of the request.",
    ),
}


class Cell(NamedTuple):
    """The outcome of one act."""

    is_possible: bool = True
    words: str = ""
    """The sentence for the person if it was refused; else empty."""


@dataclass
class Trial:
    """One kind by one way."""

    tried: Tried
    way: Way
    by: User
    request: HumanRequest = field(init=False)

    def ask(self, **options: Any) -> HumanRequest:
        """Ask anew, and let the person read it."""
        given = {"options": options, "kind": self.tried.kind, "prompt": "Lamp or shade?"}
        self.request = request_of(run_until_it_waits("inbox_item", by=self.by, **given))
        assert self.request.prompt in self.way.read(self.request)
        return self.request

    def usual(self) -> HumanRequest:
        silence = {"expires": "1h", "default": self.tried.default}
        return self.ask(undo="10s", ask_back=True, **silence)

    @property
    def is_open(self) -> bool:
        self.request.refresh_from_db()
        return self.request.is_open

    @property
    def kept(self) -> HumanResponse:
        return self.request.responses.get(undone_at=None)

    def result(self) -> Any:
        advance_run(self.request.wait.run_id)
        run = Run.objects.get(pk=self.request.wait.run_id)
        assert run.status == "succeeded", run.error
        return json.loads(run.result or "null")


def is_asked(trial: Trial) -> Cell:
    trial.usual()
    return Cell()


def is_answered_badly(trial: Trial) -> Cell:
    told = trial.way.answer(trial.request, trial.tried.bad)

    assert not told.is_taken
    assert trial.is_open
    assert not trial.request.responses.exists()
    return Cell(words=told.words)


def is_answered_well(trial: Trial) -> Cell:
    """Answer by the card in the chat if no words answer such a request."""
    refused = ""
    if isinstance(trial.way, ByChat) and trial.tried.no_words:
        told = trial.way.say(trial.request, SAID)
        assert not told.is_taken
        assert trial.tried.no_words in told.words
        refused = told.words
    told = trial.way.answer(trial.request, trial.tried.good)

    assert told.is_taken, told
    assert not trial.is_open
    kept = trial.kept.plain_value
    is_same = kept["name"] == "a.txt" if trial.tried.good.value is PAPER else None
    assert is_same or kept == trial.tried.good.value
    assert (trial.request.effective_at is not None) == trial.way.undoes
    return Cell(not refused, refused)


def is_undone(trial: Trial) -> Cell:
    told = trial.way.undo(trial.request)

    assert told.is_taken == trial.is_open == trial.way.undoes
    if told.is_taken:
        return Cell()
    assert told.words == BY_NO_TOKEN
    return Cell(is_possible=False, words=told.words)


def is_asked_back(trial: Trial) -> Cell:
    if not trial.is_open:
        trial.usual()

    assert trial.way.ask_back(trial.request, WISH).is_taken

    assert not trial.is_open
    assert (trial.request.outcome, trial.kept.comment) == ("changes_requested", WISH)
    return Cell()


def is_too_late(trial: Trial) -> Cell:
    trial.usual()
    clock.ahead += HOUR

    told = trial.way.answer(trial.request, trial.tried.good)

    assert not told.is_taken
    assert EXPIRED in told.words, told.words
    silence = trial.tried.default if trial.tried.silence is None else trial.tried.silence
    assert trial.result() == silence
    return Cell(words=told.words)


def is_final(trial: Trial) -> Cell:
    """An irreversible answer is confirmed by whoever presses twice, and by no token."""
    trial.ask(irreversible=True)
    way, good = trial.way, trial.tried.good

    told = (
        way.say(trial.request, good.words or SAID)
        if isinstance(way, ByChat)
        else way.answer(trial.request, good)
    )
    assert not told.is_taken
    assert trial.is_open
    assert FINAL[way.name] in told.words
    confirmed = way.confirm(trial.request, good)

    assert confirmed.is_taken == (not trial.is_open) == (way.name != "API")
    return Cell(confirmed.is_taken, told.words)


ACTS: dict[str, Callable[[Trial], Cell]] = {
    "asked": is_asked,
    "badly": is_answered_badly,
    "answered": is_answered_well,
    "undone": is_undone,
    "asked back": is_asked_back,
    "too late": is_too_late,
    "irreversible": is_final,
}


@pytest.fixture(scope="module")
def people(module_rows: None) -> tuple[User, User]:
    """Alice starts, and bob is asked, who has an address and a password."""
    alice, bob = create_person("alice", group("support")), create_person("bob", group("finance"))
    grant("inbox_item", group("support"), "start")
    grant("inbox_item", group("finance"), "answer")
    bob.email = "bob@sign.example"
    bob.set_password(PASSWORD)
    bob.save()
    return alice, bob


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_asked_and_answered_by_a_way(
    kind: str,
    way: str,
    people: tuple[User, User],
    tell: Callable[[str], None],
    record_property: Callable[[str, object], None],
) -> None:
    alice, bob = people
    trial = Trial(KINDS[kind], WAYS[way](bob), alice)

    cells = {name: act(trial) for name, act in ACTS.items()}

    record_property("row", json.dumps([kind, way, cells]))
    not_so = [name for name, cell in cells.items() if not cell.is_possible]
    tell(
        f"{kind} by {way}: {', '.join(ACTS)}"
        + (f"; refused: {', '.join(not_so)}" if not_so else "")
    )


def test_every_shipped_kind_is_tried() -> None:
    assert {*KINDS} == {one.name for one in SHIPPED}
