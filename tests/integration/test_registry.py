"""Loading the procedures of a site, and what is said when that does not work."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from pytest_django import Settings

from procedures import registry
from procedures.models import Grant, Procedure
from procedures.registry import LoadError
from tests.embedded.product import Product

pytestmark = pytest.mark.django_db
Write = Callable[[str], str]
GREET = """
from procedures.engine import Context, procedure

@procedure(roles={roles})
def greet(ctx: Context) -> str:
    return "hello"
"""


@pytest.fixture
def write(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """A module of the site with that source, named by PROCEDURE_MODULES; gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write_and_name(source: str) -> str:
        name = f"site_{uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(source)
        settings.PROCEDURE_MODULES = [name]
        registry.definitions.cache_clear()
        return name

    yield write_and_name
    registry.definitions.cache_clear()


def test_a_module_of_the_site_is_loaded(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write(GREET.format(roles={"start": "support"}))

    registry.register_all()

    assert Grant.objects.get(procedure__name="greet").group.name == "support"
    assert not caplog.messages


@pytest.mark.parametrize("name", ["nosuch", "nosuch.procedures", "tests.nosuch"])
def test_a_module_that_is_not_there_is_named(write: Write, settings: Settings, name: str) -> None:
    write("")
    settings.PROCEDURE_MODULES = [name]

    with pytest.raises(LoadError, match=f"PROCEDURE_MODULES names {name}, which cannot be found"):
        registry.register_all()


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import nosuch", "No module named 'nosuch'"),
        ("def (", "invalid syntax"),
        ("1 / 0", "division by zero"),
        (GREET.format(roles={"dance": "support"}), "dance"),
    ],
)
def test_an_error_inside_a_module_is_its_cause(write: Write, source: str, cause: str) -> None:
    name = write(source)

    with pytest.raises(LoadError, match=f"{name}, which cannot be loaded: .*{cause}") as refusal:
        registry.register_all()

    assert refusal.value.__cause__


def test_a_module_without_a_procedure_is_said(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    name = write("from procedures.library.refund import refund")

    registry.register_all()

    assert caplog.messages == [f"PROCEDURE_MODULES names {name}, which defines no procedure."]


def test_two_of_one_name_are_refused(write: Write) -> None:
    write(GREET.format(roles={}).replace("greet", "refund"))

    with pytest.raises(LoadError, match="Two procedures are called 'refund'"):
        registry.register_all()


def test_roles_that_came_later_are_said_and_not_granted(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(GREET.format(roles={"start": "support"}))
    registry.register_all()
    write(GREET.format(roles={"start": ("support", "sales"), "answer": "finance"}))

    registry.register_all()

    said = "greet: no grant for sales (start), finance (answer); grant it in the admin."
    assert caplog.messages == [said]
    assert Grant.objects.filter(procedure__name="greet").count() == 1

    greet = Procedure.objects.get(name="greet")
    for role, name in (("start", "sales"), ("answer", "finance")):
        group, _ = Group.objects.get_or_create(name=name)
        Grant.objects.create(procedure=greet, group=group, role=role)
    registry.register_all()

    assert caplog.messages == [said]


def test_migrate_ends_with_the_authors_traceback_and_a_sentence(
    write: Write, tmp_path: Path
) -> None:
    name = write("1 / 0")
    environment = {"PYTHONPATH": str(tmp_path), "PROCEDURE_MODULES": name}

    ended = Product(tmp_path / "local", **environment).manage("migrate", "--verbosity=0")

    assert ended.returncode == 1
    *trace, sentence = ended.stderr.splitlines()
    assert sentence == f"PROCEDURE_MODULES names {name}, which cannot be loaded: division by zero"
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "ZeroDivisionError: division by zero"
