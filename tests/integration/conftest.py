"""Every integration test has a real Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client, override_settings
from pytest_django import Settings

from chat.models import HumanRequest
from chat.services import reassign_request
from procedures import registry
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.configured import configure
from tests.conftest import create_person, group
from tests.flows import READER, Folder
from tests.pages import browser
from tests.processes import Redis


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
def root(admin_user: User) -> Client:
    """A superuser's browser."""
    return browser(admin_user)


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
