"""Some 260 odd messages to open questions, through the page, and what each of them did."""

# ruff: noqa: E501, RUF001 (the table is long, and its characters look like others)

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest, Member
from procedures.models.clock import clock
from tests.calls import grant
from tests.conftest import group
from tests.integration.test_pages_chat import said, say
from tests.pages import ask, browser

ANSWERED = "answered at once"
SHOWN = "first shown what it would mean"
POSTED = "posted, and told that it answers nothing"
FORM = "opened a start form"
TOLD = "told the sender alone"
ASKED = "asked about, not sent"
WORDS = """yes but not today¦yes?¦yes, if Ana agrees¦no problem¦no way¦not now¦maybe¦I guess so
¦ok let me check¦okay?¦sure thing¦yess¦yes yes¦yes no¦y/n¦nope, wait¦approve?¦approve it tomorrow¦approved by Ana
¦reject?¦I approve¦I don't approve¦don't pay 31.20 €¦Pay 31.20¦Pay 31.20 €?¦pay 312.0 €¦Pay 3120 €¦Pay 31,20 €¦pay
¦keep¦Keep the money?¦keep the change¦1¦2¦0¦-1¦1.¦#1¦1 or 2¦option 1¦true¦false¦True?¦👍¦👎¦✅¦❌¦👍🏽¦🙏¦🤷¦😀 yes
¦yes 😀¦yes\u200b¦y\u0435s¦ｙｅｓ¦yes\n\nno¦yes\nbut read this¦> yes¦"yes"¦'yes'¦“yes”¦`yes`¦*yes*¦yes // no¦yes/no
¦(yes)¦yes,¦non¦nein¦ja¦oui¦sí¦si¦да¦нет¦是¦否¦はい¦いいえ¦예¦아니요¦نعم¦لا¦כן¦לא¦evet¦hayır¦tak¦nie¦sim¦não¦k
¦okey-dokey¦👌¦c'est bon¦d'accord¦einverstanden¦genehmigt¦abgelehnt¦了解¦承認¦承認します¦認めません¦o k¦0k¦confirm
¦cancel¦stop¦undo¦q¦a¦r¦help¦?¦!¦...¦…¦-¦null¦None¦undefined¦NaN¦[]¦{}¦<b>yes</b>¦yes<script>¦'; DROP TABLE runs; --
¦%s¦{{ yes }}¦yes\u202eon¦\u202eyes¦\u2067نعم\u2069¦yes\u0301¦y̷e̷s̷¦Ⅰ¦①¦１¦一¦١¦approve\u200b¦approve\u202e
¦refund 100¦!refund¦\\refund¦@bob yes¦yes @bob¦+1¦LGTM¦ship it¦🆗¦🇩🇪¦👨\u200d👩\u200d👧¦nope¦yep¦yeah¦yup¦sure¦agree
¦fine¦done¦on¦off¦//yes¦// yes¦//status¦http://example.com/yes¦~/notes¦./yes"""
MISTYPED = """/refnd 100¦/named_refund100¦/named_refund/100¦/nämed_refund¦/n¦/stauts¦/statsu¦/s
¦/cancle¦/cancel yes¦/hlep¦/?¦/¦/ /¦/yes¦/no¦/ok¦/1¦/me waves¦/etc/hosts¦/usr/bin/env python¦/r/python¦/shrug¦/start
¦/start nothing¦/статус¦/状態¦/حالة¦/עזרה¦/ayuda¦/hilfe¦/🤷¦/ˈyes/¦/approve¦/reject¦/pay 31.20 €¦/Pay 31.20 €¦/y"""
TABLE: dict[tuple[str, str], str] = {
    ("approval", POSTED): WORDS,
    (
        "approval",
        SHOWN,
    ): "yes!!!¦YES¦yEs¦yes.¦ok¦okay¦OK!¦ OK ¦approve¦Approve¦yes¦y¦Y¦n¦N¦no.¦reject"
    "¦REJECT¦no¦No¦nO¦NO!",
    ("approval", ANSWERED): "Pay 31.20 €.¦pay  31.20 €¦KEEP THE MONEY",
    ("approval", ASKED): MISTYPED,
    ("approval", FORM): """/NAMED_REFUND 100¦/ named_refund¦／named_refund 5¦/start named_refund 5
¦/named-refund 100¦/refund-an-order 5¦/ｎａｍｅｄ＿ｒｅｆｕｎｄ 5¦/named_refund\n100¦\u200f/named_refund 100""",
    (
        "approval",
        TOLD,
    ): "／status¦/status?¦\u00a0/status¦\t/status¦/\u200bstatus¦/help me¦\n\n/help",
    ("choice", SHOWN): "1¦2¦3¦a¦A¦1.",
    ("choice", ANSWERED): "Apples¦ bread",
    ("choice", POSTED): "apple¦Apples?¦a,b¦a b¦first¦🍎¦0¦4¦①¦Apples or bread",
    ("whole", ANSWERED): "12¦ 7 ",
    ("whole", POSTED): "twelve¦12.5¦１２¦١٢¦1_000¦12 please¦0x10¦1e400¦¹²",
    ("text", ANSWERED): "ok¦//var/log¦نعم¦2",
    ("text", ASKED): "/var/log¦/ok",
    ("text", TOLD): "/status",
}


def rows() -> Iterator[tuple[str, str, str]]:
    """Each question's kind, with a message and what is expected of it."""
    for (kind, outcome), texts in TABLE.items():
        yield from ((kind, text, outcome) for text in texts.replace("\n¦", "¦").split("¦"))


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.soak)])
def test_no_odd_message_answers_by_accident(
    alice: User, bob: User, tell: Callable[[str], None], *, every: int
) -> None:
    grant("named_refund", group("finance"), "start")
    client, open_ones = browser(bob), dict[str, HumanRequest]()
    found: list[tuple[str, str, str, str]] = []

    for kind, text, expected in list(rows())[::every]:
        if kind not in open_ones:
            request = open_ones[kind] = ask(kind, by=alice)
            Member.join(request.session, bob, at=clock.now())
        request = open_ones[kind]
        before = said(request.session)
        page = say(client, request.session, text, to=request)
        outcome = became_of(page, request, said(request.session)[len(before) :])
        found.append((kind, text, expected, outcome))
        if not request.is_open:
            del open_ones[kind]

    counts = Counter(outcome for *_, outcome in found)
    lines = [f"{kind}: {text!r} {outcome}" for kind, text, _, outcome in found]
    tell("\n".join([*(lines if every == 1 else ()), f"Odd messages: {dict(counts)}"]))
    assert len(list(rows())) >= 260
    assert [one for one in found if one[2] != one[3]] == []


def became_of(page: Any, request: HumanRequest, posted: list[str]) -> str:
    request.refresh_from_db()
    if not request.is_open:
        assert "Your message answered" in page.context["feedback"]
        return ANSWERED
    if posted:
        assert "Your message didn't answer" in page.context["feedback"]
        return POSTED
    if page.context.get("echo"):
        return SHOWN
    if page.context.get("unclear"):
        assert page.status_code == 422
        return ASKED
    return FORM if page.context["command"].kind == "start" else TOLD
