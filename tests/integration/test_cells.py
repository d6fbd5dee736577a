"""Rows that are read and written by hand: the same as Django's own."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, models

from chat.models import HumanRequest, HumanResponse, Message
from procedures.models import Run, RunInput, Wait
from procedures.store.rows import insert_row
from procedures.store.statements import Statements
from tests.calls import request_of, run_until_it_waits
from tests.runs import answer

pytestmark = pytest.mark.django_db(transaction=True)
ALL_THREE = """
-- name: all_three
-- A run, and what it waits for.
SELECT {run.*}, {wait.*}, {asked.*}
{joined} WHERE {run}.id = %s

-- part: joined
FROM {run} JOIN {wait} ON run_id = {run}.id JOIN {asked} ON wait_id = {wait}.id
"""
TABLES = {
    "run": "countersign_procedures.Run",
    "wait": "countersign_procedures.Wait",
    "asked": "countersign_chat.HumanRequest",
}


def columns(row: models.Model) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def as_django_reads(row: models.Model) -> dict[str, object]:
    return columns(type(row)._default_manager.get(pk=row.pk))  # noqa: SLF001 (Django documents it)


def test_rows_are_read_as_django_reads_them(tmp_path: Path) -> None:
    run = run_until_it_waits("question")
    (tmp_path / "both.sql").write_text(ALL_THREE)

    [found] = Statements(tmp_path, TABLES).all_three.rows(run.pk)

    assert [type(row) for row in found] == [Run, Wait, HumanRequest]
    assert [columns(row) for row in found] == [as_django_reads(row) for row in found]


def test_rows_are_kept_as_django_keeps_them(admin_user: User) -> None:
    run = run_until_it_waits("question")
    answer(request_of(run), by=admin_user)

    kept = RunInput(run=run, kind="operator", key="", name="cancel", data="{}")
    insert_row(kept)

    assert columns(kept) == as_django_reads(kept)
    response, message = HumanResponse.objects.get(), Message.objects.get(kind="request")
    assert (response.request, response.user, response.address) == (
        message.request,
        admin_user,
        None,
    )


def test_a_row_that_is_there_already_is_refused_as_by_django() -> None:
    run = run_until_it_waits("question")
    same = Wait.objects.get(run=run)
    same.pk = None

    with pytest.raises(IntegrityError):
        insert_row(same)
