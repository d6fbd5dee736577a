"""Runs that operators find, and what they do with them from the page."""

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import Group, User

from procedures.hooks import tell_of_change
from procedures.journal import claim
from procedures.models import Run
from procedures.services import start_run
from tests.calls import grant, run_until_it_waits
from tests.pages import browser, shown
from tests.runs import status_of

BUTTON = re.compile(
    r'<button class="button( button--main)?[^"]*"[^>]*popovertarget="operation-(\w+)-'
)


MISMATCH = '{"type":"Mismatch","message":"No.","kept":["step a"],"asked":["step b"]}'


def operated(name: str, operators: Group, *roles: str) -> None:
    grant(name, operators, "operate", *roles)


def offered(user: User, run: Run) -> list[str]:
    """The names of the operations with buttons, the main one marked with a star."""
    text = shown(browser(user).get(f"/runs/{run.pk}"))
    head = text.partition('class="operation"')[0]
    return [f"{name}*" if main else name for main, name in BUTTON.findall(head)]


def perform(user: User, run: Run, name: str, **fields: Any) -> Any:
    return browser(user).post(
        f"/runs/{run.pk}/operations/{name}", {"reason": "The mail server is back.", **fields}
    )


def words_of(user: User, run: Run, name: str, **query: Any) -> list[str]:
    """The effects that the page of an operation announces."""
    text = shown(browser(user).get(f"/runs/{run.pk}/operations/{name}", query))
    inner = text.partition('<ul class="operation__words" role="list">')[2].partition("</ul>")[0]
    return re.findall(r"<li>(.*?)</li>", unescape(re.sub(r"</?(?:code|strong)>", "", inner)))


def quarantine(run: Run) -> None:
    """Stop the run as if its code had changed, and tell its open pages."""
    Run.objects.filter(pk=run.pk).update(status="quarantined", error=MISMATCH)
    tell_of_change(str(run.pk))


def queued() -> Run:
    return start_run("two_steps", {}, by=None)[0]


def worked_on() -> Run:
    run = queued()
    assert claim(run.pk)
    return run


def failed() -> Run:
    run = run_until_it_waits("broken_child")
    assert status_of(run) == "failed"
    return run
