"""Runs that stay queued because no live worker has their code: pages and health say so."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils.html import escape
from pytest_django import Settings

from procedures import dispatch, registry
from procedures.models import ProcedureVersion, Run
from procedures.models.clock import clock
from procedures.services import complaints, start_run
from tests.configured import configure
from tests.conftest import StartWorker
from tests.pages import browser, shown
from tests.processes import wait_until
from tests.runs import wait_for_success

Deploy = Callable[[str, str], str]
SOURCE = """
from procedures.engine import Context, procedure

@procedure
def {name}(ctx: Context) -> str:
    return "{text}"
"""
ABSENT = "no live worker has the code for shop"
OLDER = "the live workers' code for shop is out of date"
UNREGISTERED = "the live workers' code for shop was never registered"


@pytest.fixture
def deploy(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> Iterator[Deploy]:
    """Writes a module with a procedure, and has this process load it alone; gives its name."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(name: str, text: str) -> str:
        module = f"site_{name}_{text}"
        (tmp_path / f"{module}.py").write_text(SOURCE.format(name=name, text=text))
        configure(settings, PROCEDURE_MODULES=[module])
        registry.forget()
        return module

    yield write
    registry.forget()


def start_long_ago() -> Run:
    run, _ = start_run("shop", {}, by=None)
    Run.objects.filter(pk=run.pk).update(queued_at=clock.now() - timedelta(minutes=1))
    return run


def everything_said(run: Run, user: User) -> list[str]:
    """The texts of home's list of stuck runs, of the list of all, and of the run's page."""
    client = browser(user)
    home = shown(client.get("/")).partition('id="stuck"')[2].partition("</section>")[0]
    return [home, *(shown(client.get(path)) for path in ("/runs", f"/runs/{run.pk}"))]


@pytest.mark.parametrize(
    ("has", "said"),
    [("none", ABSENT), pytest.param("old", OLDER, marks=pytest.mark.soak), ("new", UNREGISTERED)],
)
def test_a_run_whose_code_no_live_worker_has_is_stuck_and_says_why(
    has: str, said: str, deploy: Deploy, worker: StartWorker, admin_user: User
) -> None:
    modules = {"none": deploy("other", "x"), "old": deploy("shop", "old")}
    registry.register_all()
    modules["new"] = deploy("shop", "new")
    if has != "new":
        registry.register_all()
    else:
        deploy("shop", "old")
    run = start_long_ago()

    worker(concurrency=1, PROCEDURE_MODULES=modules[has])
    wait_until(dispatch.reported_codes, timeout=60, what="the worker to tell its code")

    for page in everything_said(run, admin_user):
        assert f"Stuck: {escape(said)}" in page
    assert [one.message for one in complaints() if said in one.message]
    run.refresh_from_db()
    assert run.status == "queued"


def test_a_run_whose_code_a_live_worker_has_is_not_stuck(
    deploy: Deploy, worker: StartWorker, admin_user: User
) -> None:
    old = deploy("shop", "old")
    registry.register_all()
    new = deploy("shop", "new")
    registry.register_all()
    worker(concurrency=1, PROCEDURE_MODULES=old)
    wait_until(dispatch.reported_codes, timeout=60, what="the worker to tell its code")
    run = start_long_ago()
    worker(concurrency=1, PROCEDURE_MODULES=new)

    wait_for_success(run)

    assert ProcedureVersion.objects.filter(procedure__name="shop").count() == 2
    assert not [one for one in complaints() if one.part == "code" and "shop" in one.message]
    assert all("Stuck" not in page for page in everything_said(run, admin_user)[2:])
