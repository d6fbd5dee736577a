"""Each kind of request, answered well and badly: on its page, over the API and in the chat."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import HumanRequest, HumanResponse
from chat.services import reply
from tests.calls import caller, respond
from tests.kind_pages import paper, send
from tests.pages import ask, browser
from tests.ways import PAPER, filled

pytestmark = pytest.mark.usefixtures("bob")
Sent = dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """A kind with what a person sends: the fields of the page, a program's value, and words."""

    page: Sent
    value: Any
    bad_page: Sent
    bad_value: Any
    words: str = ""
    """Words that answer; "" if no words do."""
    bad_words: str = "perhaps"
    kept: Any = field(default=None)
    """The stored answer, if it isn't `value`."""


VALUE = {"value": ""}
KINDS: dict[str, Tried] = {
    "approval": Tried(
        {"value": "true"},
        value=True,
        bad_page={"value": "maybe"},
        bad_value="true",
        words="Pay 31.20 €",
    ),
    "action": Tried(
        {
            "decision": "approved",
            "values": "shown",
            "field-order": "A-7",
            "field-amount": "20.00",
            "field-note": "",
        },
        {"decision": "approved", "values": {"order": "A-7", "amount": "20.00", "note": ""}},
        {"decision": "approved", "values": "shown", "field-order": "A-7", "field-amount": "x"},
        {"decision": "approved", "values": {"amount": "20.001"}},
        words="Pay back",
    ),
    "text": Tried({"value": "Ben"}, "Ben", VALUE, " ", "Ben", bad_words=" "),
    "whole": Tried({"value": "3"}, 3, {"value": "0"}, 1.5, "3"),
    "decimal": Tried({"value": "1.50"}, "1.50", {"value": "1,50"}, "x", "1.50"),
    "date": Tried({"value": "2026-12-31"}, "2026-12-31", {"value": "x"}, "x", "2026-12-31"),
    "boolean": Tried(
        {"value": "false"}, value=False, bad_page={"value": "no"}, bad_value=0, words="no"
    ),
    "moment": Tried(
        {"value": "2026-12-31T09:30", "value~zone": "UTC"},
        "2026-12-31T09:30+00:00",
        {"value": "2026-12-31T09:30"},
        "2026-12-31T09:30",
        "2026-12-31T09:30+00:00",
    ),
    "length": Tried({"value": "1h"}, "1h", {"value": "x"}, "x", "60 min", kept="PT1H"),
    "money": Tried({"value": "5 EUR"}, "5", {"value": "5.001"}, "5.001", "5 EUR"),
    "choice": Tried({"value": "a"}, "a", {"value": "x"}, "x", "Apples"),
    "many": Tried({"value": ["a", "b"]}, ["a", "b"], {}, [], "a, b"),
    "described": Tried({"value": "b"}, "b", {"value": "x"}, "x", "2"),
    "own words": Tried(
        {"value": "", "value-other": "c"}, "c", VALUE, " ", "Another one: c", bad_words="c"
    ),
    "review": Tried(
        {"decision": "approved", "text": "Dear Ann"},
        {"decision": "approved", "text": "Dear Ann"},
        {"decision": "x"},
        {"decision": "x"},
    ),
    "data": Tried({"decision": "drop"}, {"decision": "drop"}, {"decision": ""}, "drop", "Drop it"),
    "markdown": Tried(
        {"decision": "rejected"}, {"decision": "rejected"}, {"decision": "x"}, {}, "no"
    ),
    "code": Tried(
        {"decision": "approved", "text": "x = 2"},
        {"decision": "approved", "text": "x = 2"},
        {"decision": ""},
        {"decision": "approved", "text": ""},
    ),
    "table": Tried(
        {"decision": "approved", "text": "rows", "field-rows": []},
        {"decision": "approved", "text": "[]"},
        {"decision": "approved", "text": "rows", "field-rows": "0", "field-rows.0.count": "x"},
        {"decision": "approved", "text": "{}"},
    ),
    "file": Tried(
        {"decision": "approved", "file": PAPER},
        {"decision": "approved", "file": PAPER},
        {"decision": "rejected", "file": PAPER},
        {"decision": "approved", "file": "x"},
    ),
    "form": Tried(
        {
            "field-amount": "5",
            "field-due": "2026-12-24",
            "field-carrier": "post",
            "field-sender": "Ben",
            "field-packing": "carton",
            "field-parcels": "1",
            "field-is_broken": "false",
        },
        {"amount": "5", "due": "2026-12-24", "carrier": "post", "sender": "Ben"},
        {"field-amount": "0"},
        {"amount": 0},
    ),
    "nested": Tried(
        {"field-to.city": "Ulm", "field-lasts": "2h", "field-scan": PAPER},
        {"to": {"city": "Ulm"}, "scan": PAPER},
        {"field-to.city": "", "field-lasts": "2h"},
        {"to": {}, "scan": "x"},
    ),
    "schema": Tried({"field-zone": "north"}, {"zone": "north"}, {"field-speed": "x"}, {"zone": 5}),
    "upload": Tried({"value": PAPER}, PAPER, {"value": "x"}, "x"),
    "uploads": Tried({"value": [PAPER, PAPER]}, [PAPER, PAPER], {}, PAPER),
    "problem": Tried({"value": "Called."}, "Called.", VALUE, "", "resolved", kept=None),
}


def upload(api: Client, request: HumanRequest) -> str:
    sent = api.post(f"/api/requests/{request.pk}/files", {"file": paper()})
    assert sent.status_code == 201, sent.content
    return str(sent.json()["token"])


def kept_in(request: HumanRequest) -> Any:
    return request.responses.get().plain_value


def is_kept(tried: Tried, kept: Any) -> bool:
    """Is it what was sent, but for files, defaults and the way in which lengths are written?"""
    wanted = tried.value if tried.kept is None else tried.kept
    if wanted is PAPER or (isinstance(wanted, list) and PAPER in wanted):
        found = kept if isinstance(kept, list) else [kept]
        return all(one["name"] == "a.txt" for one in found)
    if isinstance(wanted, dict):
        return all(is_kept(Tried({}, one, {}, None), kept[name]) for name, one in wanted.items())
    return bool(kept == wanted)


@pytest.mark.parametrize(("kind", "tried"), KINDS.items(), ids=KINDS)
def test_it_is_answered_on_its_page(alice: User, bob: User, kind: str, tried: Tried) -> None:
    request, client = ask(kind, by=alice), browser(bob)

    refused = send(client, request, **filled(tried.bad_page, paper))
    assert refused.status_code == 422, refused.content
    assert not HumanResponse.objects.exists()

    answered = send(client, request, **filled(tried.page, paper))
    assert answered.status_code == 200, answered.content
    assert is_kept(tried, kept_in(request)), kept_in(request)


@pytest.mark.parametrize(("kind", "tried"), KINDS.items(), ids=KINDS)
def test_it_is_answered_over_the_api(alice: User, bob: User, kind: str, tried: Tried) -> None:
    request, api = ask(kind, by=alice), caller(bob)

    refused = respond(api, request, filled(tried.bad_value, lambda: upload(api, request)))
    assert refused.status_code == 422, refused.content
    assert refused.json()["detail"]
    assert not HumanResponse.objects.exists()

    answered = respond(api, request, filled(tried.value, lambda: upload(api, request)))
    assert answered.status_code == 201, answered.content
    assert is_kept(tried, answered.json()["value"]), answered.content


@pytest.mark.parametrize(("kind", "tried"), KINDS.items(), ids=KINDS)
def test_it_is_answered_in_the_chat_or_its_card_is_named(
    alice: User, bob: User, kind: str, tried: Tried
) -> None:
    request = ask(kind, by=alice)

    refused = reply(request, tried.bad_words, by=bob)
    assert refused.response is None
    assert refused.reason

    said = reply(request, tried.words, by=bob) if tried.words else None
    assert (said is None) or said.response, said
