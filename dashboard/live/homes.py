"""Render the home page's lists into the frames of the stream `runs`.

The lists are rendered once for all people who see the same lists. Operators' home pages show more,
so their frames contain no lists, and operators' pages fetch the lists themselves.
"""

from typing import Any

from django.template.loader import render_to_string

from dashboard.overview.home import HOME, contents_of
from dashboard.overview.outlooks import Outlooks
from procedures.models.clock import clock
from procedures.viewers import Key, People, operators

OVERVIEW = "overview"
"""The form in which home pages follow the stream `runs`.

Frames of this form contain the lists of the home page.
"""


def homes_for(people: People) -> dict[Key, dict[str, Any]]:
    """Return what people's frames have in addition, by person: `{"overview": html}`.

    Operators are left out. The number of queries depends neither on the number of people nor on the
    number of changes.
    """
    keys = people.users.keys() - operators(people) if people.users else set()
    if not keys:
        return {}
    outlooks = Outlooks(people, now := clock.now())
    lists = {key: found for key in keys if (found := outlooks.lists_of(key)) is not None}
    contents = contents_of(set(lists.values()), now=now, missing=outlooks.missing)
    drawn = {one: {OVERVIEW: render_to_string(HOME, shown)} for one, shown in contents.items()}
    return {key: drawn[found] for key, found in lists.items()}
