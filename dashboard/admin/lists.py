"""Lists of the admin under the names of their rows, counted only up to a limit."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:
    Pages = Paginator

MOST_COUNTED = 2_000
"""The maximum number to which the rows of a list are counted, and so the number that it shows."""


class OrMore(int):
    """A count that stopped at a limit because there are more rows; shown as "2,000 or more"."""

    def __str__(self) -> str:
        return _("{count} or more").format(count=f"{int(self):,}")

    @staticmethod
    def of(rows: QuerySet[Any]) -> int:
        """Return the number of the rows, counted up to `MOST_COUNTED`."""
        counted = int(rows[: MOST_COUNTED + 1].count())
        return OrMore(MOST_COUNTED) if counted > MOST_COUNTED else counted


class CountedToALimit(Pages):
    """A paginator that counts only up to a limit, because a journal may have millions of rows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return OrMore.of(rows)


class NamedList(ChangeList):
    """A list of rows under the name of its rows."""

    def __init__(self, request: HttpRequest, *rest: Any, **more: Any) -> None:
        super().__init__(request, *rest, **more)
        if not self.is_popup:  # in which one row is to be selected
            title = getattr(self.model_admin, "title", "") or self.opts.verbose_name_plural
            self.title = capfirst(str(title))
