"""The lines of a mail that describe a request: its body, its evidence, its draft and its form."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import HumanRequest
from dashboard.channels.plain_text import indented, local_time, plain, shortened
from dashboard.overview.cuts import PAGE, cut_value
from dashboard.overview.drawing import cell, exact_name, file_of
from dashboard.overview.words import format_size
from procedures.engine.values.attachments import takes_files

LONGEST_VALUE = 160
MOST_LINES = 12
MOST_BODY_LINES, LONGEST_BODY = 40, 4000
Path = tuple[str, ...]


def body_of(request: HumanRequest) -> str:
    """Return the request's body, in Markdown, shortened to a length that fits a mail."""
    text = request.asked.body[:LONGEST_BODY]
    lines = text.strip().splitlines()
    shown = [indented(line) for line in lines[:MOST_BODY_LINES]]
    if len(lines) > MOST_BODY_LINES or len(request.asked.body) > LONGEST_BODY:
        shown.append(_("… The rest is on the page."))
    return "\n".join(shown)


def about(request: HumanRequest) -> Iterator[str]:
    """Yield a line for each value of the evidence, and then notes on the draft and the form.

    At most `MOST_LINES` values have a line. A last line says how many lines are missing.
    """
    asked = request.offered
    found = cut_value(asked.evidence, PAGE)
    moment = " " + _("(as of {when})").format(when=local_time(request.opened_at))
    marks = {tuple(path.split(".")): moment for path in asked.volatile}
    lines = [] if asked.evidence is None else list(_lines(found.value, marks))
    for line in lines[:MOST_LINES]:
        yield f"  {line}"
    if len(lines) > MOST_LINES:
        yield f"  {_more(len(lines) - MOST_LINES, is_least=bool(found.note))}"
    for sentence in sentences_about_parts(request):
        yield f"  {sentence}"


def sentences_about_parts(request: HumanRequest) -> Iterator[str]:
    """Yield sentences about the parts of a request that only its page shows in full.

    These parts are the draft, the options, the file and the fields of the form.
    """
    asked = request.asked
    if file := asked.draft_file:
        words = _("There is a file to review: {name} ({size}).")
        yield words.format(name=plain(file.name), size=format_size(file.size))
    elif asked.draft is not None:
        yield _to_review(asked.draft, is_data=asked.is_of_data)
    if labels := list(asked.options.values()):
        words = shortened(" · ".join(labels), LONGEST_VALUE)
        yield _("The options are: {options}").format(options=words)
    if takes_files(asked.schema) and not asked.fields and not asked.draft_file:
        yield _("The request asks for a file.")
    if asked.fields:
        named = shortened(", ".join(asked.fields), LONGEST_VALUE)
        yield _("The form asks for: {fields}.").format(fields=named)


def _more(count: int, *, is_least: bool) -> str:
    words = ngettext("… and {count} more line.", "… and {count} more lines.", count)
    if is_least:
        words = ngettext(
            "… and at least {count} more line.", "… and at least {count} more lines.", count
        )
    return words.format(count=count)


def _to_review(draft: str, *, is_data: bool) -> str:
    count = len(draft.splitlines())
    words = ngettext(
        "There is a text to review ({count} line).",
        "There is a text to review ({count} lines).",
        count,
    )
    if is_data:
        words = ngettext(
            "There is {count} line of data to review.",
            "There are {count} lines of data to review.",
            count,
        )
    return words.format(count=count)


def _lines(value: Any, marks: Mapping[Path, str], name: str = "", path: Path = ()) -> Iterator[str]:
    """Yield the evidence line by line.

    `marks` maps the path of a value to a note that follows the value, such as "(as of 9:30)".
    """
    if isinstance(value, dict) and (file := file_of(value)):
        yield f"{plain(name)}: {plain(file.name)} ({format_size(file.size)})".removeprefix(": ")
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            own = exact_name(key)
            yield from _lines(inner, marks, f"{name}.{own}" if name else own, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value, start=1):
            yield from _lines(inner, marks, f"{name} {number}".strip(), path)
    else:
        mark = next((mark for above, mark in marks.items() if path[: len(above)] == above), "")
        shown = f"{shortened(cell(value).text, LONGEST_VALUE)}{mark}"
        yield f"{plain(name)}: {shown}" if name else shown
