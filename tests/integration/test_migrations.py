"""One migration an app makes all tables, and takes them all back."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import SwappableTuple

from procedures.databases import OURS
from procedures.models import Procedure, Run
from procedures.runner import advance_run
from tests.calls import run_until_it_waits

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newest() -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


def our_tables() -> list[str]:
    return [
        name for name in connection.introspection.table_names() if name.startswith("countersign_")
    ]


def test_each_app_has_one_migration_which_comes_after_whatever_makes_the_users() -> None:
    ours = {
        key: one
        for key, one in MigrationLoader(connection).disk_migrations.items()
        if key[0] in OURS
    }

    assert {*ours} == {(app, "0001_initial") for app in OURS}
    for one in ours.values():
        assert any(isinstance(before, SwappableTuple) for before in one.dependencies)


@pytest.mark.usefixtures("newest")
def test_all_tables_can_be_taken_back_and_made_again() -> None:
    run_until_it_waits("question")
    before = our_tables()

    for app in sorted(OURS):
        call_command("migrate", app, "zero", verbosity=0)
    assert our_tables() == []
    call_command("migrate", verbosity=0)

    assert our_tables() == before
    assert len(before) > len(OURS)
    assert Procedure.objects.filter(name="question").exists()
    advance_run(run_until_it_waits("question").pk)
    assert Run.objects.get().status == "waiting"
