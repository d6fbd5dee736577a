"""Every integration test has a real Redis."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client, override_settings
from pytest_django import Settings

from chat.apps import register_channels
from chat.channels.registry import channels
from chat.models import HumanRequest
from chat.services import reassign_request
from procedures import registry
from procedures.models import Run
from procedures.services import Sent, send_signal
from tests.calls import caller, grant, request_of, respond, run_until_it_waits
from tests.configured import configure
from tests.conftest import create_person, group
from tests.every_table import fill_tables
from tests.flows import READER, Folder
from tests.outside import agent, allow, report_to_shop
from tests.pager import PAGER
from tests.pages import ask, browser
from tests.processes import Redis
from tests.receivers import Receiver, receiving
from tests.towers import Tower, serving


@pytest.fixture(autouse=True)
def every_test_has_redis(redis_server: Redis) -> None:
    """Up and empty."""


@pytest.fixture
def static_files() -> Iterator[None]:
    """A test's own client is served what a page links to."""
    with override_settings(SERVESTATIC_USE_FINDERS=True):
        yield


@pytest.fixture
def alices(alice: User, support: Group) -> Client:
    grant("typed_inputs", support, "start", "answer")
    return caller(alice)


@pytest.fixture
def voters(finance: Group) -> list[User]:
    """Three people whose votes `agreed` and `chosen_together` ask for."""
    for name in ("agreed", "chosen_together"):
        grant(name, finance, "answer")
    return [create_person(name, finance) for name in ("vera", "victor", "viola")]


@pytest.fixture
def root(admin_user: User) -> Client:
    """A superuser's browser."""
    return browser(admin_user)


@pytest.fixture
def answered(alice: User, bob: User, finance: Group, support: Group) -> Run:
    """A run that was asked and answered; every table has a row."""
    run_until_it_waits("reports", fails=False)
    grant("question", support, "start")
    grant("question", finance, "answer")
    run = run_until_it_waits("question", by=alice)
    send_signal(run.pk, Sent("paid", "p-1", 31), by=alice)
    respond(caller(bob), request_of(run), value=True, comment="<b>Fine</b>")
    fill_tables(request_of(run), bob, deputy=alice)
    return run


@pytest.fixture
def clerks(db: None) -> Group:
    """A group that no code names."""
    return group("clerks")


@pytest.fixture
def asks_erin(alice: User, bob: User, dave: User, finance: Group, operators: Group) -> HumanRequest:
    """Asks erin alone, of the group audit; finance answers for the procedure and dave operates."""
    create_person("erin", group("audit"))
    grant("question", finance, "answer")
    grant("question", group("support"), "start")
    request = request_of(run_until_it_waits("question", by=alice))
    reassign_request(request.pk, to="@erin", by=dave, reason="She knows.")
    return request


@pytest.fixture
def flows(tmp_path: Path, settings: Settings) -> Iterator[Folder]:
    """A folder that PROCEDURE_FILES names. Edits are noticed by the next process only."""
    path = tmp_path / "flows"
    path.mkdir()
    configure(settings, PROCEDURE_FILES=[f"{path}/**/*.*"])
    configure(settings, PROCEDURE_READERS={".json": READER, ".txt": "tests.list_reader.read_lines"})
    configure(settings, NOTICES_EDITED_FILES=False)
    registry.forget()
    yield Folder(path)
    registry.forget()


@pytest.fixture
def tower() -> Iterator[Tower]:
    with serving() as found:
        yield found


@pytest.fixture
def pagers(settings: Settings, tower: Tower, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bob and dave have pagers, which a channel of the site's own reaches by the tower."""
    monkeypatch.setenv("PAGER_URL", tower.url)
    monkeypatch.setenv("PAGERS", json.dumps({"bob": "7", "dave": "9"}))
    configure(settings, CHANNELS=[PAGER])
    register_channels()
    yield
    channels.pop("pager", None)


@pytest.fixture
def asked(alice: User, bob: User, carol: User, finance: Group) -> HumanRequest:
    """Bob is asked, and carol, who has no pager."""
    carol.groups.add(finance)
    return ask("approval", by=alice)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A program on loopback to which the webhook "shop" leads."""
    with receiving() as found:
        report_to_shop(settings, found.url)
        yield found


@pytest.fixture
def program(carol: User, finance: Group) -> Client:
    """A program of carol's, which may ask finance, where bob is."""
    allow(carol, finance)
    return agent(carol)
