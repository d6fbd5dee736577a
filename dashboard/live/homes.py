"""The lists of home pages in frames of the stream `runs`, drawn once for all who see the same.

The pages of operators read their lists themselves, because they show more.
"""

from typing import Any

from django.template.loader import render_to_string

from dashboard.overview.home import HOME, contents_of
from dashboard.overview.outlooks import Outlooks
from procedures.models.clock import clock
from procedures.viewers import Key, People, operators

OVERVIEW = "overview"
"""The `form` that home pages send to follow the runs; they get the parts of home drawn anew."""


def homes_for(people: People) -> dict[Key, dict[str, Any]]:
    """Return the additional contents of frames for each person who isn't an operator.

    The number of queries depends neither on the people nor on the changes.
    """
    keys = people.users.keys() - operators(people) if people.users else set()
    if not keys:
        return {}
    outlooks = Outlooks(people, now := clock.now())
    lists = {key: found for key in keys if (found := outlooks.lists_of(key)) is not None}
    contents = contents_of(set(lists.values()), now=now, missing=outlooks.missing)
    drawn = {one: {OVERVIEW: render_to_string(HOME, shown)} for one, shown in contents.items()}
    return {key: drawn[found] for key, found in lists.items()}
