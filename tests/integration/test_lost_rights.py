"""Access that is taken away in eight ways, with 50 or 1,000 sockets open on a real server."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from resource import RLIMIT_NOFILE, getrlimit, prlimit, setrlimit

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from websockets.exceptions import ConnectionClosed

from chat.services import post_message, reassign_request
from dashboard.models import SignIn
from procedures.models import Grant, Procedure, Run
from procedures.models.clock import clock
from procedures.services import cancel_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person, group
from tests.processes import Web
from tests.sockets import Page, page

EACH = [pytest.param(6), pytest.param(125, marks=pytest.mark.soak)]
"""The sockets of each person."""
SIGNED_OUT = 4401


@pytest.fixture
def run(db: None, admin_user: User) -> Run:
    """Everybody named below sees it, each for one reason."""
    for watchers in ("granted", "updated", "watchers"):
        grant("question", group(watchers), "see")
    for name in ("deleted", "deactivated", "signed_out", "new_password", "expired"):
        create_person(name, group("watchers"))
    for name in ("granted", "updated"):
        create_person(name, group(name))
    create_person("asked")
    run = run_until_it_waits("question")
    reassign_request(request_of(run).pk, to="@asked", by=admin_user, reason="Ask them.")
    return run


@pytest.fixture
def admins_browser(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def ways(run: Run, admin_user: User, admins_browser: Client) -> dict[str, Callable[[], object]]:
    """The ways in which people lose what they see."""
    where = {"procedure": Procedure.objects.get(name="question")}

    def delete_in_the_admin() -> None:
        given = Grant.objects.get(group=group("granted"), role="see", **where)
        path = reverse("admin:countersign_procedures_grant_delete", args=[given.pk])
        assert admins_browser.post(path, {"post": "yes"}).status_code == 302

    def delete_by_sql() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM auth_user_groups WHERE user_id = %s", [person("deleted").pk]
            )

    def deactivate() -> None:
        user = person("deactivated")
        user.is_active = False
        user.save()

    def sign_out_elsewhere() -> None:
        others, client = list(SignIn.objects.filter(user=person("signed_out"))), Client()
        client.force_login(person("signed_out"))
        for one in others:
            assert client.post(f"/profile/sign-ins/{one.pk}/end").status_code == 302

    def change_password() -> None:
        user = person("new_password")
        user.set_password("something else entirely")
        user.save()

    def expire() -> None:
        keys = SignIn.objects.filter(user=person("expired")).values("session")
        soon = clock.now() + timedelta(seconds=1)
        Session.objects.filter(pk__in=keys).update(expire_date=soon)

    updated = Grant.objects.filter(group=group("updated"), role="see", **where)
    request = request_of(run)
    return {
        "granted": delete_in_the_admin,
        "updated": lambda: updated.update(role="start"),
        "deleted": delete_by_sql,
        "deactivated": deactivate,
        "signed_out": sign_out_elsewhere,
        "new_password": change_password,
        "asked": lambda: reassign_request(request.pk, to="@admin", by=admin_user, reason="Me."),
        "expired": expire,
    }


def person(name: str) -> User:
    return User.objects.get(username=name)


@pytest.fixture
def limit_of_files(running_web: Web) -> Iterator[None]:
    """The highest limit of open files that the machine allows, for the server and for the pages."""
    earlier = getrlimit(RLIMIT_NOFILE)
    for pid in (running_web.pid, os.getpid()):
        prlimit(pid, RLIMIT_NOFILE, (earlier[1], earlier[1]))
    yield
    setrlimit(RLIMIT_NOFILE, earlier)


@pytest.fixture
def pages(
    running_web: Web,
    limit_of_files: None,
    run: Run,
    ways: dict[str, Callable[[], object]],
    each: int,
) -> Iterator[dict[str, list[Page]]]:
    """Every person's sockets, and two of an administrator, who keeps what they see."""
    counts = dict.fromkeys(ways, each) | {"admin": 2}
    with ExitStack() as stack:
        found = {
            name: [stack.enter_context(page(running_web, person(name))) for _ in range(count)]
            for name, count in counts.items()
        }
        for one in [one for some in found.values() for one in some]:
            for stream in (f"run:{run.pk}", f"session:{request_of(run).session_id}"):
                one.follow(stream)
            heard = {one.hear()["stream"].partition(":")[0] for _ in range(run.head_seq + 1)}
            assert heard == {"run", "session"}
        yield found


@pytest.mark.parametrize("each", EACH)
def test_nothing_comes_after_access_was_taken_away(
    run: Run,
    pages: dict[str, list[Page]],
    ways: dict[str, Callable[[], object]],
    admin_user: User,
    each: int,
) -> None:
    for take_away in ways.values():
        take_away()
    ends = {name: {end_of(one) for one in pages[name]} for name in ways}
    post_message(request_of(run).session, "Nobody of them reads this.", by=admin_user)
    cancel_run(run.pk, by=admin_user, reason="Nobody needs it.")

    for one in pages["admin"]:
        while one.hear().get("kind") != "run.cancelled":
            pass
    for name in ("granted", "updated", "deleted", "asked"):
        assert ends[name] == {"denied"}, name
        assert [after_an_error(one) for one in pages[name]] == [[]] * each
    for name in ("deactivated", "signed_out", "new_password", "expired"):
        assert ends[name] == {SIGNED_OUT}, name


def end_of(one: Page) -> str | int:
    """The way in which a page loses both its streams, or its socket."""
    denied: set[str] = set()
    try:
        while len(denied) < 2:
            frame = one.hear()
            denied |= {frame["stream"]} if "denied" in frame else set()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0
    return "denied"


def after_an_error(one: Page) -> list[object]:
    """The frames that a page was sent before the answer to a message that it sends now."""
    one.socket.send("nonsense")
    heard: list[object] = []
    while "error" not in (frame := one.hear()):
        heard.append(frame)
    return heard
