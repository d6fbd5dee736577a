"""Loading the procedures of a site, and what is said when that does not work."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from procedures import registry
from procedures.models import Grant, Procedure, ProcedureVersion, Run
from procedures.models.clock import clock
from procedures.registry import LoadError
from procedures.runner import advance_run, advance_runs
from procedures.services import complaints, start_run
from tests.calls import run_until_it_waits
from tests.configured import configure, configured
from tests.embedded.product import Product
from tests.runs import everything_about

pytestmark = pytest.mark.django_db
Write = Callable[[str], str]
GREET = """
from procedures.engine import (Context, procedure)

@procedure(roles={roles})
def greet(ctx: Context) -> str:
    return "hello"
"""
LATER = """
from collections.abc import Callable
from procedures.engine import (Context, procedure)

@procedure
def greet(ctx: Context, name: "Name") -> str:
    return "hello"

Name = {type}
"""


@pytest.fixture
def write(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """A module of the site with that source, named by PROCEDURE_MODULES; gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write_and_name(source: str) -> str:
        name = f"site_{uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(source)
        configure(settings, PROCEDURE_MODULES=[name])
        registry.forget()
        return name

    yield write_and_name
    registry.forget()


def test_a_module_of_the_site_is_loaded(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write(GREET.format(roles={"start": "support"}))

    registry.register_all()

    assert Grant.objects.get(procedure__name="greet").group.name == "support"
    assert not caplog.messages


def test_other_settings_have_other_procedures() -> None:
    usual = registry.definitions()

    with configured(PROCEDURE_MODULES=["bench.filled"]):
        others = registry.definitions()

        assert registry.find("question") is None
        assert others.keys() - usual.keys()
    assert registry.definitions() == usual


@pytest.mark.parametrize("name", ["nosuch", "nosuch.procedures", "tests.nosuch"])
def test_a_module_that_is_not_there_is_named(write: Write, settings: Settings, name: str) -> None:
    write("")
    configure(settings, PROCEDURE_MODULES=[name])

    with pytest.raises(LoadError, match=f"PROCEDURE_MODULES names {name}, which can't be found"):
        registry.register_all()


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import nosuch", "No module named 'nosuch'"),
        ("def (", "invalid syntax"),
        ("1 / 0", "division by zero"),
        (GREET.format(roles={"dance": "support"}), "dance"),
        (LATER.format(type="int | Callable[[], int]"), "of the input name isn't supported"),
        (LATER.format(type="int").replace("Name", "Nowhere", 1), "name 'Nowhere' is not defined"),
    ],
)
def test_an_error_inside_a_module_is_its_cause(write: Write, source: str, cause: str) -> None:
    name = write(source)

    with pytest.raises(LoadError, match=f"{name}, which can't be loaded: .*{cause}") as refusal:
        registry.register_all()

    assert refusal.value.__cause__


def test_a_module_without_a_procedure_is_said(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    name = write("from examples.refund import refund")

    registry.register_all()

    assert caplog.messages == [f"PROCEDURE_MODULES names {name}, which defines no procedure."]


def test_two_of_one_name_are_refused(write: Write, settings: Settings) -> None:
    name = write(GREET.format(roles={}).replace("greet", "refund"))
    configure(settings, PROCEDURE_MODULES=["examples.refund", name])

    with pytest.raises(LoadError, match="Two procedures have the name 'refund'"):
        registry.register_all()


def test_roles_that_came_later_are_said_and_not_granted(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(GREET.format(roles={"start": "support"}))
    registry.register_all()
    write(GREET.format(roles={"start": ("support", "sales"), "answer": "finance"}))

    registry.register_all()

    assert caplog.messages == [
        "greet: roles without a grant: sales (start), finance (answer). Grant them in the "
        "administration."
    ]
    assert Grant.objects.filter(procedure__name="greet").count() == 1

    greet = Procedure.objects.get(name="greet")
    for role, name in (("start", "sales"), ("answer", "finance")):
        group, _ = Group.objects.get_or_create(name=name)
        Grant.objects.create(procedure=greet, group=group, role=role)
    registry.register_all()


def test_many_are_registered_in_a_few_statements(
    write: Write, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    roles = {"start": "support", "answer": ("finance", "sales")}
    one, many = GREET.format(roles=roles), range(50)
    write("".join(one.replace("greet", f"greet_{number}") for number in many))

    with django_assert_max_num_queries(12):
        registry.register_all()

    versions = ProcedureVersion.objects.filter(procedure__name__startswith="greet_")
    assert versions.count() == len(many)
    assert Grant.objects.filter(procedure__name="greet_7").count() == 3


def test_those_that_register_at_once_lock_in_one_order(write: Write) -> None:
    greet = GREET.format(roles={})
    write("".join(greet.replace("greet", name) for name in ("zeus", "ajax", "hera")))

    with CaptureQueriesContext(connection) as said:
        registry.register_all()

    [sql] = [
        one["sql"]
        for one in said
        if 'INSERT INTO "countersign_procedures_procedure" ' in one["sql"]
    ]
    places = [sql.index(name) for name in ("ajax", "hera", "zeus")]
    assert places == sorted(places)


def test_migrate_ends_with_the_authors_traceback_and_a_sentence(
    write: Write, tmp_path: Path
) -> None:
    name = write("1 / 0")
    environment = {"PYTHONPATH": str(tmp_path), "PROCEDURE_MODULES": name}

    ended = Product(tmp_path / "local", **environment).manage("migrate", "--verbosity=0")

    assert ended.returncode == 1
    *trace, sentence = ended.stderr.splitlines()
    assert sentence == (f"PROCEDURE_MODULES names {name}, which can't be loaded: division by zero")
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "ZeroDivisionError: division by zero"


# Code that changes under open runs

BEFORE = """
from procedures.engine import (Context, procedure)

@procedure
def shop(ctx: Context) -> str:
    ctx.step(str, 1, name="load")
    ctx.approve("Pay?")
    return "done"
"""


def rewrite(write: Write, old: str, new: str) -> None:
    """Deploy the same procedure from a module with other code."""
    assert old in BEFORE
    write(BEFORE.replace(old, new))
    registry.register_all()


@pytest.fixture
def waiting(write: Write) -> Run:
    write(BEFORE)
    registry.register_all()
    return run_until_it_waits("shop")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Pay?", "Pay?", ""),
        ('return "done"', 'return ctx.step(str, 2, name="send")', ""),
        (
            "str, 1",
            "str, 2",
            ("The arguments of the step load have changed since its result was stored."),
        ),
    ],
)
def test_open_runs_that_go_on_are_counted(
    waiting: Run, write: Write, old: str, new: str, told: str
) -> None:
    rewrite(write, old, new)
    out = StringIO()

    call_command("check_procedures", stdout=out)

    also, line = (", 1 of them with warnings", f"warning: {waiting} ({waiting.pk}): {told}\n")
    assert out.getvalue() == (line if told else "") + (
        f"All 1 open runs can continue{also if told else ''}.\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Pay?", "Pay twice?", "The wait approve has changed: the run asked “Pay?”"),
        ('name="load"', 'name="read"', "The code now asks for step read"),
        ("def shop", "def store", "There is no installed code for the run's procedure."),
    ],
)
def test_open_runs_that_do_not_go_on_are_named(
    waiting: Run, write: Write, old: str, new: str, told: str
) -> None:
    rewrite(write, old, new)
    out = StringIO()

    with pytest.raises(CommandError, match="1 of 1 open runs can't continue with the"):
        call_command("check_procedures", stdout=out)

    assert f"blocked: {waiting} ({waiting.pk}): {told}" in out.getvalue()
    assert "warning" not in out.getvalue()


def test_warnings_and_blockers_of_one_run_are_told_apart(waiting: Run, write: Write) -> None:
    old = 'str, 1, name="load")\n    ctx.approve("Pay?")'
    rewrite(write, old, old.replace("1", "2").replace("Pay?", "Pay twice?"))
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("check_procedures", stdout=out)

    assert [line.split(":")[0] for line in out.getvalue().splitlines()] == ["blocked", "warning"]


def test_more_notes_than_a_commit_holds_hide_nothing_and_are_not_kept(
    waiting: Run, write: Write
) -> None:
    notes = "for number in range(150): ctx.log(str(number))"
    rewrite(write, 'ctx.approve("Pay?")', f'{notes}\n    ctx.approve("Pay twice?")')
    before, out = everything_about(waiting), StringIO()

    with pytest.raises(CommandError, match="1 of 1 open runs can't continue with the"):
        call_command("check_procedures", stdout=out)

    assert "the run asked “Pay?”" in out.getvalue()
    assert everything_about(waiting) == before


def test_checking_a_run_that_has_not_begun_does_nothing_of_it(write: Write) -> None:
    write(BEFORE)
    registry.register_all()
    effect = '[ctx.log("x") for _ in range(150)]; ctx.step(1 .__truediv__, 0, name="never")'
    rewrite(write, 'ctx.step(str, 1, name="load")', effect)
    run, out = start_run("shop", {}, by=None)[0], StringIO()
    before = everything_about(run)

    call_command("check_procedures", stdout=out)

    assert out.getvalue() == "All 1 open runs can continue.\n"
    assert everything_about(run) == before


def test_checking_keeps_nothing(waiting: Run, write: Write) -> None:
    before = everything_about(waiting)

    call_command("check_procedures", stdout=StringIO())

    assert everything_about(waiting) == before


def test_only_the_procedure_that_is_named_is_checked(waiting: Run) -> None:
    out = StringIO()

    call_command("check_procedures", "--procedure", "refund", stdout=out)

    assert out.getvalue() == "All 0 open runs can continue.\n"


def test_a_worker_with_older_code_leaves_runs_to_the_newer(waiting: Run, write: Write) -> None:
    older = registry.find("shop")
    assert older
    rewrite(write, "Pay?", "Pay twice?")

    assert registry.is_outdated(older, versions())
    assert not registry.is_outdated(registry.definitions()["shop"], versions())


def test_old_code_that_is_put_back_is_the_newest(waiting: Run, write: Write) -> None:
    older = registry.find("shop")
    assert older
    rewrite(write, "Pay?", "Pay twice?")
    rewrite(write, "Pay?", "Pay?")

    assert not registry.is_outdated(older, versions())


def versions() -> list[str]:
    shops = ProcedureVersion.objects.filter(procedure__name="shop")
    return list(shops.newest_first().values_list("version", flat=True))


def test_a_run_of_newer_code_stays_queued(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write(BEFORE)
    registry.register_all()
    run = start_run("shop", {}, by=None)[0]
    versions = ProcedureVersion.objects.filter(procedure__name="shop")
    ProcedureVersion.objects.create(
        procedure=versions.get().procedure, version="newer", registered_at=clock.now()
    )

    advance_run(run.pk)

    run.refresh_from_db()
    assert run.status == "queued"
    assert "is out of date; newer workers will run it" in caplog.text


def test_code_that_was_never_registered_claims_nothing_and_says_so(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(BEFORE)
    registry.register_all()
    run = start_run("shop", {}, by=None)[0]
    write(BEFORE.replace("Pay?", "Pay twice?"))

    advance_run(run.pk)
    advance_runs()

    run.refresh_from_db()
    assert (run.status, run.epoch) == ("queued", 0)
    assert "manage.py migrate" in caplog.text
    assert ["shop" in one.message for one in complaints() if one.part == "code"] == [True]

    registry.register_all()
    advance_runs()

    run.refresh_from_db()
    assert run.status == "waiting"
    assert not [one for one in complaints() if one.part == "code"]
