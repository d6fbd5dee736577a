"""Attacks by hostile browsers, files, messages and machines."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from chat.services import post_message
from procedures.conf import conf
from procedures.models import Run
from procedures.services import verify_journal
from tests.calls import JSON, RUNS, caller, detail, grant, request_of, run_until_it_waits
from tests.configured import configure
from tests.pages import browser
from tests.processes import Web
from tests.runs import answer
from tests.sockets import page


@pytest.mark.parametrize("path", ["/", "/runs", "/chat", "/procedures", "/nowhere"])
def test_pages_are_nobody_elses_to_keep(alice: User, path: str) -> None:
    assert browser(alice).get(path).headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "path", ["/api/runs", "/api/nowhere", "/profile", "/live/range?stream=runs"]
)
def test_data_is_kept_nowhere(alice: User, path: str) -> None:
    assert "no-store" in browser(alice).get(path).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/xml", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("text/csv; charset=utf-8", "text/csv"),
        ("image/png", "image/png"),
    ],
)
def test_a_file_runs_nothing(admin_user: User, kind: str, sent: str) -> None:
    run = run_until_it_waits("reports", by=admin_user, fails=False)
    run.artifacts.update(content_type=kind)

    for client, path in (
        (caller(admin_user), f"/api/runs/{run.pk}/artifacts/report.csv"),
        (browser(admin_user), f"/runs/{run.pk}/files/report.csv"),
    ):
        headers = client.get(path).headers
        assert headers["Content-Type"].partition(";")[0] == sent
        assert "sandbox" in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "private, no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        *[("told", part) for part in ("evidence", "prompt", "body", "answer", "comment")],
        *[("choice", "options"), ("review", "draft"), ("review", "changes")],
    ],
)
def test_no_part_of_a_question_or_an_answer_is_kept_by_anybody(
    admin_user: User, kind: str, part: str
) -> None:
    run = run_until_it_waits("one_of_each", by=admin_user, kind=kind)
    values = {"review": {"decision": "approved", "text": "Dear bob\n"}, "choice": "b"}
    answer(request_of(run), value=values.get(kind, True), by=admin_user)

    path = f"/requests/{request_of(run).pk}/whole/{part}"

    assert kept_by_nobody(browser(admin_user).get(path))


def test_no_whole_of_a_run_or_a_message_is_kept_by_anybody(admin_user: User) -> None:
    run = failed(admin_user)
    done = run_until_it_waits("reports", by=admin_user, fails=False)
    asked = request_of(run_until_it_waits("question", by=admin_user))
    message = post_message(asked.session, "Hello", by=admin_user)
    paths = [
        *(f"/runs/{run.pk}/whole/{part}" for part in ("inputs", "error")),
        f"/runs/{done.pk}/whole/result",
        f"/runs/{run.pk}/events/1",
        f"/messages/{message.pk}",
    ]

    for path in paths:
        assert kept_by_nobody(browser(admin_user).get(path)), path


def kept_by_nobody(response: Any) -> bool:
    """A download that neither a browser nor a proxy keeps, nor opens as a page."""
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith("attachment")
    return bool(response.headers["Cache-Control"] == "private, no-store")


@pytest.mark.parametrize(
    "body",
    ['{"count": 1, "count": 2}', '{"count": 1, "data": {"a": 1, "a": 1}}', '[{"a": 1, "a": 2}]'],
)
def test_a_name_is_said_once(alices: Client, body: str) -> None:
    assert "twice" in detail(alices.post(RUNS, body, JSON), 400)


@pytest.mark.parametrize("path", ["/sign-in/%00/x", "/sign-in/a/%00", "/procedures/%00", "/%00"])
def test_a_nul_leads_nowhere(alice: User, path: str) -> None:
    assert browser(alice).get(path).status_code == 404
    assert browser(alice).post(path).status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        '{"follow": "runs", "after": 1e999}',
        '{"follow": "runs", "after": 1e300}',
        '{"follow": "runs", "after": -1e300}',
        '{"follow": "runs", "after": NaN}',
        '{"follow": "runs", "follow": "inbox"}',
        "[" * 100_000,
        '{"follow":' * 100_000,
        "7",
        "null",
        '{"follow": 7}',
        '{"follow": {"a": 1}}',
        '{"range": "runs", "after": "٣x"}',
        "",
    ],
)
def test_no_message_kills_a_socket(running_web: Web, alice: User, text: str) -> None:
    with page(running_web, alice) as alices:
        alices.socket.send(text)
        assert "error" in alices.hear()
        alices.follow("runs")
        assert alices.hear()["stream"] == "runs"
    assert "Traceback" not in running_web.output[-3000:]


@pytest.mark.parametrize("after", ["9" * 30, "1e999", "-" + "9" * 30, "x"])
def test_no_cursor_breaks_the_range(alice: User, after: str) -> None:
    path = f"/live/range?stream=runs&after={after}"

    assert browser(alice).get(path).status_code == 400


def test_a_page_says_that_the_database_is_away(alice: User) -> None:
    """A real query really fails, wherever in the request it comes."""
    client = Client(raise_request_exception=False)
    client.force_login(alice)

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        answered, api = client.get("/runs"), client.get("/api/runs")

    assert (answered.status_code, api.status_code) == (503, 503)
    assert b"database" in answered.content
    assert answered.headers["Retry-After"]
    assert client.get("/runs").status_code == 200


def test_a_journal_is_verified_with_the_keys_of_its_time(
    admin_user: User, settings: Settings
) -> None:
    run = run_until_it_waits("question", by=admin_user)
    old = conf.LEDGER_KEY
    configure(settings, LEDGER_KEY="another-key")

    assert verify_journal(run)
    configure(settings, LEDGER_KEY_FALLBACKS=[old])
    assert verify_journal(run) == []


# Errors


def failed(by: User) -> Run:
    run = run_until_it_waits("fails_with_secret", by=by)
    assert run.status == "failed"
    return run


def texts_of(user: User, run: Run) -> list[str]:
    api, pages = caller(user), browser(user)
    answers = [
        api.get(f"/api/runs/{run.pk}"),
        api.get(f"/api/runs/{run.pk}/events"),
        pages.get(f"/runs/{run.pk}"),
        pages.get(f"/runs/{run.pk}/journal"),
        pages.get(f"/runs/{run.pk}/whole/error"),
    ]
    assert {one.status_code for one in answers} == {200}
    return [one.content.decode() for one in answers]


def test_tracebacks_are_for_operators_and_secrets_for_nobody(
    alice: User, dave: User, support: Group, operators: Group
) -> None:
    grant("fails_with_secret", support, "start")
    grant("fails_with_secret", operators, "operate")
    run = failed(alice)

    owners, operators_texts = texts_of(alice, run), texts_of(dave, run)

    assert all("Traceback" not in text and "secretive.py" not in text for text in owners)
    assert all("secretive.py" in text for text in operators_texts)
    assert all("hunter2" not in text for text in (*owners, *operators_texts))
    assert "password=***" in owners[0]
    frames: Any = browser(dave).get(f"/live/range?stream=run:{run.pk}").json()
    assert "secretive.py" not in json.dumps(frames)
