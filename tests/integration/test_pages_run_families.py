"""Rows of a run's page: those that failed stand open, and children show at their parent."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from procedures.models import Run
from procedures.runner import advance_run
from tests.calls import grant, run_until_it_waits
from tests.pages import browser, queries_of, shown

pytestmark = pytest.mark.django_db(transaction=True)
ROW = re.compile(r'<details class="bars__item" id="row-[^"]*-(\d+)"( open)?( data-marked)?>')


def page_of(user: User, run: Run, **query: str) -> str:
    return shown(browser(user).get(f"/runs/{run.pk}", query))


def ended(name: str, **inputs: Any) -> Run:
    run = run_until_it_waits(name, **inputs)
    for _ in range(40):
        for child in Run.objects.unended().exclude(pk=run.pk):
            advance_run(child.pk)
        advance_run(run.pk)
    run.refresh_from_db()
    return run


def test_a_map_with_a_failed_child_shows_it_at_the_parent(dave: User, operators: Group) -> None:
    grant("mapping", operators, "operate")
    run = ended("mapping", numbers=[1, 2, 3])
    fine = page_of(dave, run)
    assert "3 ✓" in fine
    assert "✗" not in fine
    last = Run.objects.filter(parent_wait__run=run).order_by("parent_number").last()
    assert last
    Run.objects.filter(pk=last.pk).update(status="failed")

    broken = page_of(dave, run)

    assert '· 2 ✓ · <strong class="bars__failed">1 ✗</strong>' in broken
    listed = broken.partition('<ul class="kin" role="list">')[2].partition("</ul>")[0]
    assert re.findall(r"Run (\d)", listed) == ["3", "1", "2"]
    assert 'data-kind="child" data-look="failed"' in broken


def test_names_of_rows_are_isolated_and_end_without_a_separator(
    dave: User, operators: Group
) -> None:
    def tree_of(procedure: str, **inputs: Any) -> str:
        grant(procedure, operators, "operate")
        page = page_of(dave, run_until_it_waits(procedure, **inputs))
        return page.partition('class="bars__item"')[2].partition("bars__legend")[0]

    name = tree_of("mapping", numbers=[1, 2]).partition("bars__track")[0]
    assert "2 runs of <code>doubled</code>" in name
    assert "·" not in name
    assert "<bdi>Pay 31.20 €?</bdi>" in tree_of("question")


def test_the_row_in_which_a_run_failed_stands_open(dave: User, operators: Group) -> None:
    grant("broken_child", operators, "operate")
    run = ended("broken_child")

    assert ROW.findall(page_of(dave, run)) == [("1", "", ""), ("2", " open", "")]
    assert ROW.findall(page_of(dave, run, step="work")) == [
        ("1", " open", " data-marked"),
        ("2", " open", ""),
    ]
    assert ROW.findall(page_of(dave, run, step="nowhere"))[0] == ("1", "", "")


def test_a_step_that_is_folded_is_shown_when_it_is_named(dave: User, operators: Group) -> None:
    grant("repeated_steps", operators, "operate")
    run = run_until_it_waits("repeated_steps", times=9)

    assert len(ROW.findall(page_of(dave, run))) == 1
    assert [row for row in ROW.findall(page_of(dave, run, step="act#5")) if row[2]] == [
        ("5", " open", " data-marked")
    ]


def test_more_children_take_no_more_queries(dave: User, operators: Group) -> None:
    grant("mapping", operators, "operate")
    few, many = (ended("mapping", numbers=[1] * count) for count in (2, 30))

    counts = [len(queries_of(browser(dave), f"/runs/{run.pk}")) for run in (few, many)]

    assert counts[0] == counts[1]
    assert "18 more runs aren't listed." in page_of(dave, many)
