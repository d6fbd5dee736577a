"""The pages of the staged site: who opens what, and what they do before they look."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.template.loader import render_to_string
from playwright.sync_api import Page

from chat.models import HumanResponse, Message
from tests.gallery.stage import Stage

Act = Callable[[Page], Any]
BROKEN = {
    **{name: f"{name}.html" for name in ("400", "403", "403_csrf", "413", "500", "503")},
    "410": "dashboard/removed.html",
    "lost_file": "procedures/file_lost.html",
}
"""The templates of errors that no visitor can cause at will."""
FAULT = {
    "feedback": "The limit is 20 MB.",
    "error": "The file list.csv is lost.",
    "tombstone": {"procedure": "Refund an order", "days": 30},
    "date": "28 November 2026",
}
"""The values that these templates show."""


@dataclass(frozen=True)
class Look:
    """A page as somebody sees it after an act."""

    name: str
    person: str
    """"" for somebody who isn't signed in."""
    path: str
    act: Act | None = None
    html: str = ""
    """The server's answer, for pages that no visitor can cause at will."""


def looks(stage: Stage) -> Iterator[Look]:
    """Yield every page, dialog and popover of the product."""
    yield from of_home_and_search()
    yield from of_the_inbox(stage)
    yield from of_requests(stage)
    yield from of_the_chat(stage)
    yield from of_runs(stage)
    yield from of_procedures()
    yield from of_people(stage)
    yield from of_the_administration(stage)


def of_home_and_search() -> Iterator[Look]:
    for person in ("starter", "approver", "operator", "outsider"):
        yield Look(f"home of {person}", person, "/")
    yield Look("days", "operator", "/overview/days")
    yield Look("days, none", "outsider", "/overview/days")
    yield Look("menu of the person", "operator", "/", click(".nav__person summary"))
    yield Look("keys", "approver", "/inbox/?tab=groups", press("?"))
    yield Look("keys of the runs", "operator", "/runs", press("?"))
    yield Look("palette", "approver", "/", search("refund"))
    yield Look("palette, empty", "approver", "/", press("/"))
    yield Look("palette, nothing found", "approver", "/", search("xyzzy"))
    yield Look("search", "approver", "/search?q=order")
    yield Look("search, answers", "approver", "/search?q=refund&in=answers")
    yield Look("search, in Arabic", "approver", "/search?q=%D8%A7%D9%84")
    yield Look("search, nothing found", "approver", "/search?q=xyzzy")


def of_the_inbox(stage: Stage) -> Iterator[Look]:
    for tab in ("mine", "groups", "unclaimed", "snoozed", "done"):
        yield Look(f"inbox, {tab}", "approver", f"/inbox/?tab={tab}")
        yield Look(f"inbox, {tab}, empty", "outsider", f"/inbox/?tab={tab}")
    yield Look("inbox, filters", "approver", "/inbox/?tab=groups&risk=high")
    yield Look("inbox, no matches", "approver", "/inbox/?tab=groups&q=xyzzy")
    for name in ("approval", "form", "difference", "arabic"):
        shown = f"request={stage.request(name).pk}"
        yield Look(f"inbox, {name}", "approver", f"/inbox/?tab=groups&{shown}")
    shown = f"request={stage.request('of others').pk}"
    yield Look("inbox, of others", "starter", f"/inbox/?{shown}")
    shown = f"request={stage.request('told').pk}"
    yield Look("inbox, focus", "approver", f"/inbox/?tab=groups&{shown}&focus=1")
    yield Look("inbox, chosen", "approver", "/inbox/?tab=groups", choose(".inbox-row__box"))
    yield Look("inbox, approve", "approver", "/inbox/?tab=groups", bulk("Approve…"))
    yield Look("inbox, snooze", "approver", "/inbox/?tab=groups", bulk("Snooze…"))
    yield Look(
        "inbox, more", "approver", f"/inbox/?tab=groups&{shown}", click(".inbox__snooze > summary")
    )


def of_requests(stage: Stage) -> Iterator[Look]:
    for name, run in stage.runs.items():
        if run.waits.filter(request__isnull=False).exists():
            others = {"problem": "operator", "of others": "starter", "named alone": "starter"}
            person = others.get(name, "approver")  # who is asked, or may look on
            yield Look(f"request, {name}", person, f"/requests/{stage.request(name).pk}")
    held = stage.request("held").pk
    yield Look("request, held, of others", "starter", f"/requests/{held}")
    final = f"/requests/{stage.request('irreversible approval').pk}"
    yield Look("request, armed", "approver", final, click(".answer button[name=value]"))
    asked = f"/requests/{stage.request('approval').pk}"
    yield Look("request, of its starter", "starter", asked)
    form = f"/requests/{stage.request('form').pk}"
    yield Look("request, faults", "approver", form, click(".answer button:not([type=button])"))


def of_the_chat(stage: Stage) -> Iterator[Look]:
    yield Look("chat", "approver", "/chat")
    yield Look("chat, empty", "outsider", "/chat")
    yield Look("new session", "approver", "/chat/new")
    names = ("told", "approval", "failed", "done", "arabic", "held", "family", "running", "alarmed")
    for name in names:
        session = Message.objects.filter(run=stage.runs[name]).values_list("session_id", flat=True)[
            0
        ]
        person = "starter" if name in {"failed", "done", "family", "running"} else "approver"
        yield Look(f"chat, {name}", person, f"/chat/{session}")
        if name == "told":
            first = Message.objects.filter(session=session, kind="person").order_by("seq")[0].pk
            yield Look("chat, linked", person, f"/chat/{session}?message={first}#message-{first}")
        if name == "done":
            yield Look("members", person, f"/chat/{session}/members")
    gathering = f"/chat/{stage.sessions['gathering'].pk}"
    yield Look("chat, of many", "approver", gathering)
    yield Look("chat, from the start", "starter", gathering, scroll_up)
    said = stage.sessions["gathering"].messages.filter(kind="person").order_by("seq")
    for name, message in zip(("table", "code", "list", "scripts", "files"), said, strict=False):
        link = f"{gathering}?message={message.pk}#message-{message.pk}"
        yield Look(f"chat, {name}", "approver", link)
    yield Look("chat, beside", "approver", gathering, click_if_there(".chat__toggle"))
    yield Look("members, many", "starter", f"{gathering}/members")


def of_runs(stage: Stage) -> Iterator[Look]:
    yield Look("runs", "operator", "/runs")
    yield Look("runs, empty", "outsider", "/runs")
    yield Look("runs, failed", "operator", "/runs?state=failed")
    yield Look("runs, all matching", "operator", "/runs/matching?state=failed&operation=retry")
    yield Look("runs, none matching", "outsider", "/runs/matching")
    yield Look("runs, of starter", "starter", "/runs?state=people")
    yield Look("runs, chosen", "operator", "/runs?state=failed", choose(".run-line__box"))
    for name, run in stage.runs.items():
        if name in RUNS:
            yield Look(f"run, {name}", "operator", f"/runs/{run.pk}")
    failed = f"/runs/{stage.runs['failed'].pk}"
    yield Look("run, of its starter", "starter", failed)
    yield Look("run, retry", "operator", failed, click(".operations > .button--main"))
    # Who may start it, too, has more operations than there is room for at any width.
    paused = f"/runs/{stage.runs['paused'].pk}"
    yield Look("run, more", "admin", paused, click("[aria-haspopup=true]"))
    yield Look(
        "run, cancel as a page", "operator", f"/runs/{stage.runs['paused'].pk}/operations/cancel"
    )
    yield Look("journal", "operator", f"{failed}/journal")
    yield Look("journal, errors", "operator", f"{failed}/journal?events=errors")
    yield Look("journal, long", "operator", f"/runs/{stage.runs['many steps'].pk}/journal")


RUNS = (
    *("queued", "running", "paused", "cancelled", "failed", "failed early", "quarantined", "time"),
    *("signal", "done", "files", "map", "branches", "gather", "many steps", "long word", "arabic"),
    *("family", "child", "restarted", "forked", "alarmed", "approval", "approved", "held", "set"),
    *("quorum", "expired", "withdrawn", "rejected", "wide table", "told of trouble"),
    *("mismatch", "planned", "pictured", "pictured, ended"),
)


def of_procedures() -> Iterator[Look]:
    yield Look("procedures", "starter", "/procedures")
    yield Look("procedures, none", "outsider", "/procedures")
    names = (
        *("desk", "refund", "release", "typed_inputs", "nested_inputs", "sized_inputs"),
        *("appointment", "long_words", "question", "named_in_every_way", "returned"),
    )
    for name in names:
        yield Look(f"procedure, {name}", "starter", f"/procedures/{name}")
    faults = click("main form button:not([type=button])")
    yield Look("procedure, faults", "starter", "/procedures/typed_inputs", faults)


def of_people(stage: Stage) -> Iterator[Look]:
    yield Look("profile", "approver", "/profile")
    yield Look("profile, new", "outsider", "/profile")
    yield Look("profile, a new token", "deputy", "/profile", create_token)
    yield Look("standing decisions", "approver", "/standing-decisions")
    yield Look("standing decisions, none", "outsider", "/standing-decisions")
    yield Look("sign-in", "", "/sign-in")
    yield Look("sign-in, wrong", "", "/sign-in", sign_in_wrongly)
    yield Look("link to sign in", "", stage.link)
    yield Look("link to sign in, used", "", "/sign-in/starter/used")
    yield Look("not found", "starter", "/nowhere")
    yield Look("not theirs", "outsider", f"/runs/{stage.runs['done'].pk}")
    for name, template in BROKEN.items():
        html = render_to_string(template, FAULT)
        yield Look(f"broken, {name}", "starter", f"/broken/{name}", html=html)


def of_the_administration(stage: Stage) -> Iterator[Look]:
    run = stage.runs["failed"].pk
    request = stage.request("told").pk
    paths = {
        "": "",
        "runs": "countersign_procedures/run/",
        "a run": f"countersign_procedures/run/{run}/change/",
        "history of a run": f"countersign_procedures/run/{run}/history/",
        "events": "countersign_procedures/event/",
        "requests": "countersign_chat/humanrequest/",
        "a request": f"countersign_chat/humanrequest/{request}/change/",
        "sessions": "countersign_chat/session/",
        "procedures": "countersign_procedures/procedure/",
        "a user": f"auth/user/{stage.people['approver'].pk}/change/",
        "a new group": "auth/group/add/",
        "deleting": f"auth/user/{stage.people['deputy'].pk}/delete/",
    }
    for name, path in {**paths, **of_people_and_access(stage), **of_the_site(stage)}.items():
        yield Look(f"admin, {name}", "admin", f"/admin/{path}")
    yield Look(
        "admin, difference of access", "admin", "/admin/access/?procedure=desk", change_access
    )
    yield Look(
        "admin, preview of invitations", "admin", "/admin/people/invite/", preview_invitations
    )
    yield Look("admin, of an operator", "operator", "/admin/")
    yield Look("admin, refused", "starter", "/admin/")


def of_people_and_access(stage: Stage) -> dict[str, str]:
    """Return the paths of the pages about people and access, by what they show."""
    people, finance = stage.people, Group.objects.get(name="finance").pk
    approver = f"person/{people['approver'].pk}/"
    return {
        "access": "access/",
        "access, nothing found": "access/?procedure=xyzzy",
        "who may answer": "access/desk/answer/",
        "people": "people/",
        "people, nobody found": "people/?q=xyzzy",
        "invite": "people/invite/",
        "a person": approver,
        "a person, superuser": f"person/{people['admin'].pk}/",
        "a person, open": f"{approver}open/",
        "a person, sign-in": f"{approver}sign-in/",
        "a person, acts": f"{approver}acts/",
        "offboard": f"person/{people['leaver'].pk}/offboard/",
        "away": f"{approver}away/",
        "away, with a deputy": f"person/{people['leaver'].pk}/away/",
        "groups": "groups/",
        "a group": f"groups/{finance}/",
        "a group, rename": f"groups/{finance}/rename/",
        "a group, retire": f"groups/{finance}/retire/",
    }


def of_the_site(stage: Stage) -> dict[str, str]:
    """Return the paths of the pages about decisions, the log and the site."""
    answer = HumanResponse.objects.order_by("pk").values_list("pk", flat=True)[0]
    return {
        "settings": "settings/",
        "new runs": "new-runs/",
        "announcements": "announcements/",
        "verification": "verification/",
        "retention": "retention/",
        "retention of a procedure": "retention/procedures/desk/?days=30",
        "decisions": "countersign_chat/decision/",
        "decisions, filtered": "countersign_chat/decision/?bypass=yes",
        "certificate": f"countersign_chat/decision/{answer}/change/",
        "log": "countersign_procedures/act/",
        "log, filtered": "countersign_procedures/act/?kind__exact=sign_in&at__from=2020-01-01",
        "history of a person": f"auth/user/{stage.people['approver'].pk}/history/",
    }


def press(*keys: str) -> Act:
    def act(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return act


def click(selector: str) -> Act:
    return lambda page: page.locator(selector).first.click()


def click_if_there(selector: str) -> Act:
    """Click a button that not every width has."""

    def act(page: Page) -> None:
        if page.locator(selector).is_visible():
            page.locator(selector).click()

    return act


def scroll_up(page: Page) -> None:
    page.locator(".transcript").evaluate("(list) => list.scrollTo(0, 0)")


def search(words: str) -> Act:
    def act(page: Page) -> None:
        page.keyboard.press("/")
        page.locator("dialog.palette[open] input").fill(words)
        page.wait_for_load_state("networkidle")

    return act


def choose(boxes: str) -> Act:
    def act(page: Page) -> None:
        for place in range(3):
            page.locator(boxes).nth(place).check()

    return act


def bulk(button: str) -> Act:
    def act(page: Page) -> None:
        choose(".inbox-row__box")(page)
        page.get_by_role("button", name=button).click()
        page.wait_for_load_state("networkidle")

    return act


def change_access(page: Page) -> None:
    for box in page.get_by_role("checkbox").all()[:4]:
        box.set_checked(not box.is_checked())
    page.get_by_role("button", name="Review the changes").click()


def preview_invitations(page: Page) -> None:
    addresses = "Ann Blum <ann@bank.example>\napprover@demo.example\nnobody"
    page.get_by_label("Addresses").fill(addresses)
    page.get_by_role("button", name="Preview").click()


def create_token(page: Page) -> None:
    page.locator("#new-token > summary").click()
    page.locator("#new-token input[name=name]").fill("Nightly report")
    page.locator("#new-token .button--main").click()


def sign_in_wrongly(page: Page) -> None:
    page.locator("input[name=username]").fill("nobody")
    page.locator("input[name=password]").fill("wrong")
    page.locator("main button, form button").first.click()
