"""The row of a run in a list, drawn without a template."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse, set_script_prefix
from django.utils.dateformat import format as format_time
from django.utils.timezone import localtime
from django.utils.translation import override

from dashboard.overview.facts import Facts
from dashboard.overview.lists import Listed
from dashboard.templatetags.pieces import moment
from dashboard.templatetags.run_rows import run_row
from procedures.models import Procedure, Run

AT = datetime(2026, 3, 7, 9, 5, tzinfo=UTC)


def listed(**fields: object) -> Listed:
    run = Run(
        procedure=Procedure(title="Refund <an> order"),
        started_by=User(username="ann<b>"),
        created_at=AT,
        status="paused",
        **fields,
    )
    return Listed(run, Facts(run, AT, paused={"by": "<bob>", "reason": "<why>"}))


def test_a_row_shows_texts_of_people_and_no_markup_of_theirs() -> None:
    one = listed(subject="Pay 12 EUR <b> & more")

    html = run_row(one)

    assert f'<a class="run-row" id="run-row-{one.run.pk}"' in html
    assert f'href="{reverse("countersign:run_detail", args=[one.run.pk])}"' in html
    assert "<bdi>Pay 12\N{NO-BREAK SPACE}EUR &lt;b&gt; &amp; more</bdi>" in html
    assert "<span>Paused</span>" in html
    assert "Paused by <strong>&lt;bob&gt;</strong> since <local-time" in html
    assert ": “&lt;why&gt;”." in html
    assert (
        '<span class="avatar avatar--small" aria-hidden="true">AN</span><bdi>ann&lt;b&gt;</bdi>'
        in html
    )


def test_a_row_without_a_subject_has_the_given_title_or_that_of_the_procedure() -> None:
    one = listed()

    assert "<bdi>Refund &lt;an&gt; order</bdi>" in run_row(one)
    assert "<bdi>A</bdi>\N{NO-BREAK SPACE}· <bdi>b&lt;</bdi>" in run_row(one, title="A · b<")


def test_a_row_says_if_the_run_waits_for_the_viewer_and_if_nobody_started_it() -> None:
    one = listed()
    one.run.started_by = None

    assert "data-mine" not in run_row(one)
    html = run_row(one, mine={one.run.pk})
    assert ' data-look="paused" data-mine>' in html
    assert "<span>Waiting for you</span>" in html
    assert "the system\N{NO-BREAK SPACE}· <local-time" in html


def test_a_row_leads_to_the_page_below_any_prefix() -> None:
    one = listed()
    run_row(one)
    set_script_prefix("/below/")
    try:
        assert f'href="/below/runs/{one.run.pk}"' in run_row(one)
    finally:
        set_script_prefix("/")


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_times_are_written_as_django_writes_them(language: str) -> None:
    with override(language):
        for month in range(12):
            at = AT + timedelta(days=31 * month)
            assert f">{format_time(localtime(at), 'j M H:i T')}</time>" in moment(at)
