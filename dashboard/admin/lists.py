"""Lists of the admin that are named after their rows and count rows only up to a limit."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst, smart_split
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:
    Pages = Paginator

MOST_COUNTED = 2_000
"""The number at which a list stops counting its rows; the list shows no greater number."""


MOST_WORDS, LONGEST_SEARCH = 20, 500
"""The maximum numbers of words and of characters of a search.

Each word is a condition on every field that is searched, and databases refuse thousands of them.
"""


class OrMore(int):
    """A count that stopped at a limit because there are more rows; shown as "2,000 or more"."""

    def __str__(self) -> str:
        return _("{count} or more").format(count=f"{int(self):,}")

    @staticmethod
    def of(rows: QuerySet[Any]) -> int:
        """Return the number of the rows, counted up to `MOST_COUNTED`."""
        return OrMore.than(int(rows[: MOST_COUNTED + 1].count()))

    @staticmethod
    def than(counted: int) -> int:
        return OrMore(MOST_COUNTED) if counted > MOST_COUNTED else counted


class CountedToALimit(Pages):
    """A paginator that counts only up to a limit, because a journal can have millions of rows."""

    @cached_property
    def keys(self) -> list[Any]:
        """The keys of the rows in the order of the list, one more than are counted.

        They are read instead of a count. So the rows that a search or a filter passes over are
        passed over once, not once for the count and once more for the page.
        """
        rows: Any = self.object_list
        return list(rows.prefetch_related(None).values_list("pk", flat=True)[: MOST_COUNTED + 1])

    @cached_property
    def count(self) -> int:
        return OrMore.than(len(self.keys))


def is_too_long(search: str) -> bool:
    """Return True for a search with more words than the database should look for."""
    if len(search) > LONGEST_SEARCH:
        return True
    return sum(1 for _word in smart_split(search)) > MOST_WORDS


class SearchForm(ChangeListSearchForm):
    """The form of a list's search. A search that is too long is refused, and all rows are shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[SEARCH_VAR].validators.append(self._check)

    @staticmethod
    def _check(search: str) -> None:
        if is_too_long(search):
            words = _(
                "This search is too long, so all rows are shown. Search for at most {words} words "
                "with {characters} characters altogether."
            )
            raise ValidationError(words.format(words=MOST_WORDS, characters=LONGEST_SEARCH))


class NamedList(ChangeList):
    """A list whose title is the name of its rows, unless the admin has a `title` of its own."""

    search_form_class = SearchForm

    def __init__(self, request: HttpRequest, *rest: Any, **more: Any) -> None:
        super().__init__(request, *rest, **more)
        if not self.is_popup:  # in which one row is to be selected
            title = getattr(self.model_admin, "title", "") or self.opts.verbose_name_plural
            self.title = capfirst(str(title))
        # Added to the addresses here, because Django resolves the address of each row to do it.
        self._kept_filters, self.preserved_filters = self.preserved_filters, ""

    def url_for_result(self, result: Any) -> str:
        """Return the address of a row's page, with the list's filters for the way back."""
        url = super().url_for_result(result)
        return f"{url}?{self._kept_filters}" if self._kept_filters else url
