"""Tests of the extra `sign-in`, in a session of their own: `TEST_SIGN_IN=company`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.browser.conftest import browser_type_launch_args as browser_type_launch_args  # noqa: PLC0414
from tests.browser.conftest import open_page as open_page  # noqa: PLC0414
from tests.company.provider import Company
from tests.configured import configure
from tests.conftest import create_person
from tests.listeners import listening
from tests.pages import browser
from tests.processes import Redis

HERE = Path(__file__).parent
# The models of the extra can't be imported in a session without its apps.
collect_ignore_glob = [] if os.environ.get("TEST_SIGN_IN") == "company" else ["test_*.py"]
PASSWORD = "a long and quiet evening"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers come last: Playwright's event loop stays in this thread until the end."""
    items.sort(key=lambda one: HERE in one.path.parents and one.path.name == "test_passkeys.py")


@pytest.fixture(autouse=True)
def every_test_has_redis(redis_server: Redis) -> None:
    """Up and empty, so that no test has used up another's attempts."""


@pytest.fixture(scope="session")
def company_server() -> Iterator[Company]:
    with listening(server := Company()):
        yield server


@pytest.fixture
def company(company_server: Company, settings: Settings) -> Company:
    """A company that signs in everybody as ann, with a verified address, until a test says."""
    company_server.forget()
    configure(settings, OIDC_PROVIDERS={"corp": company_server.setting})
    return company_server


@pytest.fixture
def ann(db: None) -> User:
    """Is invited, and has a password."""
    user = create_person("ann")
    user.email = "ann@corp.example"
    user.set_password(PASSWORD)
    user.save()
    return user


def signed_in(name: str, *, client: Client | None = None) -> Client:
    """A browser in which somebody has typed name and password."""
    client = client or Client()
    client.post("/sign-in", {"username": name, "password": PASSWORD})
    return client


def who(client: Client) -> str | None:
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else None


@pytest.fixture
def root(admin_user: User) -> Client:
    """A superuser's browser."""
    return browser(admin_user)
