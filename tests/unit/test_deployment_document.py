"""Commands, variables and addresses in the documents for operators exist."""

import re
from functools import partial
from pathlib import Path

import pytest
from django.core.management import get_commands

from dashboard.admin.run import RunAdmin
from dashboard.api.site import api
from dashboard.environment.variables import CHECKOUT, Environment
from procedures.conf import Settings

DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
ELSEWHERE = {
    *("ROOT_URLCONF", "LOGIN_URL", "AUTH_USER_MODEL", "EMAIL_BACKEND", "DATABASE_ROUTERS"),
    *("INSTALLED_APPS", "STATICFILES_FINDERS", "DJANGO_SETTINGS_MODULE"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("ABSTRACTRUNTIME", "LITESTAR_WORKFLOWS", "PLEXUS_EXAMPLES", "TACTUS_EXAMPLES"),
    *("LOCAL_RUNS", "RUNNING", "WAITING_FOR_HUMAN", "PENDING_APPROVAL", "PENDING_INPUT"),
}
"""Names of Django, of S3, of the checkouts that tests read, and of the testing kit."""
DEPLOYMENT = (CHECKOUT / "docs" / "deployment.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_named_is_one(document: Path) -> None:
    named = set(re.findall(r"manage\.py (\w+)", document.read_text()))

    assert named <= get_commands().keys()


@pytest.mark.parametrize("name", sorted(Environment.model_fields))
def test_every_variable_is_told(name: str) -> None:
    assert re.search(rf"\b{name}\b", "".join(path.read_text() for path in DOCUMENTS))


@pytest.mark.parametrize(
    "what",
    ["manage.py createsuperuser", "LOCAL_DIR/static", "LOCAL_DIR/files", "pooler", "backup.md"],
)
def test_the_first_start_and_what_to_keep_are_told(what: str) -> None:
    assert what in DEPLOYMENT


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_address_of_the_api_that_is_named_is_one(document: Path) -> None:
    known = [
        (method.upper(), re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    ]
    found = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/api/[^`?\s]*)", document.read_text())

    assert [named for named in found if not any(map(partial(_is_named, *named), known))] == []


def _is_named(method: str, path: str, known: tuple[str, str]) -> bool:
    """Return True if the address, with capitals for its variable parts, is a known route's."""
    named = re.sub(r"\{\w+\}|\b[A-Z]{2,}\b", "part", path)
    return method == known[0] and bool(re.fullmatch(known[1], named))


def test_every_action_of_the_admin_is_told_to_operators_by_its_name() -> None:
    table = (CHECKOUT / "docs" / "operating.md").read_text()
    actions = [getattr(RunAdmin, name) for name in RunAdmin.actions]
    operators = [one for one in actions if one.allowed_permissions == ["operate"]]

    assert operators
    assert [one for one in operators if f"| {one.short_description} |" not in table] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_that_is_named_is_one(document: Path) -> None:
    known = {*Environment.model_fields, *Settings.__annotations__, *ELSEWHERE}
    named = re.findall(r"`([A-Z]{3,}(?:_[A-Z]+)+)", document.read_text())

    assert [name for name in named if name not in known] == []
