"""The row of a run in a list of runs; a page has dozens of rows."""

from collections.abc import Container
from html import escape
from uuid import UUID

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from dashboard.overview.addresses import path_to_run
from dashboard.overview.lists import Listed
from dashboard.overview.operations import Operation
from dashboard.overview.operations import on_runs as label_on_runs
from dashboard.overview.words import initials, short_id, unbroken
from dashboard.templatetags.pieces import moment, state, styled
from dashboard.templatetags.shown import whole_title
from procedures.models import Run

register = template.Library()


@register.simple_tag
def run_row(listed: Listed, *, title: str | None = None, mine: Container[UUID] = ()) -> SafeString:
    """Render a run with its state, its starter and its age, as a link to its page.

    `title` is shown if the run has no subject, instead of the title of its procedure. `mine` holds
    the ids of the runs that wait for the viewer.
    """
    run, now = listed.run, listed.state
    is_mine, created = run.pk in mine, moment(run.created_at, "ago")
    html = (
        f'<a class="run-row" id="run-row-{run.pk}" href="{path_to_run(run.pk)}"'
        f' data-look="{now.look}"{" data-mine" if is_mine else ""}>\n'
        f'  <span class="run-row__title">{_title_of(run, title)}'
        f' <code class="run-row__id">{short_id(run.pk)}</code></span>\n'
        f'  <span class="run-row__state">{state(now, is_mine=is_mine)}</span>\n'
        f'  <span class="run-row__sentence">{styled(now.sentence)}</span>\n'
        f'  <span class="run-row__meta">{_starter_of(run)}\N{NO-BREAK SPACE}· {created}</span>\n'
        "</a>"
    )
    return mark_safe(html)  # noqa: S308 (what comes from people is escaped)


def _title_of(run: Run, title: str | None) -> str:
    if run.subject:
        return f"<bdi>{escape(unbroken(run.subject))}</bdi>"
    return whole_title(title or run.procedure.title)


def _starter_of(run: Run) -> str:
    if run.started_by is None:
        return escape(_("the system"))
    name = run.started_by.get_username()
    letters = escape(initials(name))
    avatar = f'<span class="avatar avatar--small" aria-hidden="true">{letters}</span>'
    return f"{avatar}<bdi>{escape(name)}</bdi>"


@register.filter
def on_runs(operation: Operation, count: int) -> str:
    """Return the label of an operation on this number of runs, such as "Cancel 3 runs"."""
    return label_on_runs(operation.name, count)
