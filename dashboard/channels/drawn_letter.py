"""The HTML of a notification mail: plain tables that mail programs draw, in light and dark.

It says the same as the plain text. Texts by people or programs are escaped; their Markdown is drawn
without pictures.
"""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string

from chat.models import HumanRequest
from dashboard.overview.cuts import Room, cut_text, cut_value
from dashboard.overview.drawing import Node, draw
from procedures.conf import conf
from procedures.users import User, short_name

BODY = Room(2_500, lines=40)
EVIDENCE = Room(3_000, lines=60, parts=40, cell=400)
"""The limits for the evidence in a mail; the page that the mail links to shows all of it."""


def about_one(told: Mapping[str, Any], *, subject: str, to: User, because: str) -> str:
    """Return the HTML of a mail about the request `told["request"]`, with its body and evidence."""
    asked = told["request"].asked
    body = cut_text(asked.body, BODY)
    evidence, is_cut = evidence_of(told["request"])
    more = {"body": body.text, "evidence": evidence, "is_cut": is_cut or body.left_out}
    return _drawn("request", {**told, **more}, subject, to, because)


def evidence_of(request: HumanRequest) -> tuple[Node | None, bool]:
    """Return the evidence for its template, and True if a part of it is left out.

    The evidence is None if the request has none.
    """
    asked = request.offered
    if asked.evidence is None:
        return None, False
    found = cut_value(asked.evidence, EVIDENCE)
    return draw(found.value, asked.volatile), bool(found.note)


def about_several(digest: Mapping[str, Any], *, to: User, because: str) -> str:
    """Return the HTML of a mail about several requests, each with its own link."""
    return _drawn("requests", digest, digest["count"], to, because)


def about_alert(told: Mapping[str, Any], *, subject: str, to: User) -> str:
    return _drawn("alert", told, subject, to, "")


def about_mention(told: Mapping[str, Any], *, subject: str, to: User, because: str) -> str:
    return _drawn("mention", told, subject, to, because)


def _drawn(name: str, told: Mapping[str, Any], subject: str, to: User, because: str) -> str:
    about = {"subject": subject, "name": short_name(to), "because": because, "site": conf.SITE_URL}
    return render_to_string(f"dashboard/mail/{name}.html", {**told, **about})
