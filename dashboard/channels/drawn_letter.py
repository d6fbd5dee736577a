"""The HTML of a notification mail: plain tables that mail programs show in light and dark.

The HTML says the same as the plain text. Texts by people or programs are escaped. Their Markdown is
rendered without pictures.
"""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string

from chat.models import HumanRequest
from dashboard.overview.cuts import SizeLimits, cut_text, cut_value
from dashboard.overview.drawing import Node, draw
from procedures.conf import conf
from procedures.users import User, short_name

BODY = SizeLimits(2_500, lines=40)
EVIDENCE = SizeLimits(3_000, lines=60, parts=40, cell=400)
"""The limits for the evidence in a mail.

The page to which the mail links shows all of the evidence.
"""


def about_one(context: Mapping[str, Any], *, subject: str, to: User, because: str) -> str:
    """Return the HTML of a mail about one request, with the request's body and evidence.

    `context["request"]` is the request. `because` is a sentence that says why the mail was sent.
    """
    asked = context["request"].asked
    body = cut_text(asked.body, BODY)
    evidence, is_cut = evidence_of(context["request"])
    more = {"body": body.text, "evidence": evidence, "is_cut": is_cut or body.left_out}
    return _drawn("request", {**context, **more}, subject, to, because)


def evidence_of(request: HumanRequest) -> tuple[Node | None, bool]:
    """Return the evidence of a request for its template, and True if a part is left out.

    Without evidence, the first value is None.
    """
    asked = request.offered
    if asked.evidence is None:
        return None, False
    found = cut_value(asked.evidence, EVIDENCE)
    return draw(found.value, asked.volatile), bool(found.note)


def about_several(digest: Mapping[str, Any], *, to: User, because: str) -> str:
    """Return the HTML of a mail about several requests. Each request has a link of its own."""
    return _drawn("requests", digest, digest["count"], to, because)


def about_alert(context: Mapping[str, Any], *, subject: str, to: User) -> str:
    return _drawn("alert", context, subject, to, "")


def about_mention(context: Mapping[str, Any], *, subject: str, to: User, because: str) -> str:
    return _drawn("mention", context, subject, to, because)


def _drawn(name: str, context: Mapping[str, Any], subject: str, to: User, because: str) -> str:
    about = {"subject": subject, "name": short_name(to), "because": because, "site": conf.SITE_URL}
    return render_to_string(f"dashboard/mail/{name}.html", {**context, **about})
