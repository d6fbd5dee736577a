"""The search of lists that grow with the runs: by keys, and for words in the newest rows."""

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, OuterRef, Q, QuerySet, Subquery, TextField
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from dashboard.admin.lists import is_too_long
from dashboard.admin.quick import Admin

MOST_SEARCHED = 10_000
"""The maximum number of newest rows scanned for a word that no index can find."""
MOST_FOUND = 1_000
"""The maximum number of rows that such a search finds, the newest ones."""
LOOKUPS = {"^": "istartswith", "=": "iexact"}
"""The lookup for each mark before a name in `search_fields`; "icontains" for a name without one."""


class SearchedAdmin(Admin):
    """An admin whose search takes a limited time, however many rows there are."""

    ends_of_ids = False
    """True for a table that grows, whose ids are UUIDs that order by time.

    A search scans only the newest rows, also for the last characters of an id, which pages show.
    """
    grows = False
    """True for a growing table whose ids aren't UUIDs. A search scans only its newest rows."""
    most_searched = MOST_SEARCHED
    """The maximum number of newest rows of a growing table that a search scans for words."""
    also_found: ClassVar[list[Callable[[str], Q]]] = []
    """Functions that turn a word of a search into a condition for rows that are found, too.

    The condition is applied to the newest rows only. Modules in higher layers add their own
    functions to this list.
    """

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that contain all words of a search.

        Of a table that grows, only the newest rows are scanned for words, because no index finds
        them. If the ids of the table are UUIDs, rows are also found by a key, such as the beginning
        of an id, however old they are, and the newest `MOST_FOUND` rows of both kinds are returned.
        Other tables are searched as Django does it.
        """
        if is_too_long(search_term):
            return super().get_search_results(request, queryset, search_term)
        words = list(words_of(search_term))
        # PostgreSQL refuses a NUL in a query, and no row can hold one.
        is_long = self.ends_of_ids or self.grows
        if not is_long or not words or "\0" in search_term:
            return super().get_search_results(request, queryset, search_term)
        keyed, rows = queryset, self._newest(request, queryset)
        for word in words:
            by_key = self.found_by_key(word)
            keyed = keyed.filter(by_key)
            rows = rows.filter(reduce(or_, self._scanned(word), by_key))
        if not self.ends_of_ids:
            return rows, False
        # Each kind takes a query of its own: an index finds the former, a scan the latter.
        parts = [_newest_keys(found) for found in (keyed, rows)]
        vars(request)["is_cut"] = any(len(part) == MOST_FOUND for part in parts)
        keys = {key for part in parts for key in part}
        return queryset.filter(pk__in=keys), False

    def _newest(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the newest `most_searched` rows, and note in the request if there are more."""
        newest = queryset.order_by("-pk").values_list("pk", flat=True)
        # Two rows are read at the limit: the search ends at the first; the second, if any, shows
        # that there are more rows.
        floor = newest[self.most_searched - 1 : self.most_searched + 1]
        if len(floor) <= 1:
            return queryset
        vars(request)["searched"] = f"{self.most_searched:,}"
        return queryset.filter(pk__gte=floor[0])

    def found_by_key(self, word: str) -> Q:
        """Return a condition for rows of any age that an index finds by this word."""
        return id_begins_with(word) if self.ends_of_ids else Q(pk__in=[])

    def _scanned(self, word: str) -> Iterator[Q]:
        """Yield conditions; a scanned row contains this word if it fulfils one of them."""
        for name in self.search_fields:
            lookup, path = LOOKUPS.get(name[0], "icontains"), name.lstrip("^=")
            yield text_fits(self.model, path, lookup, word)
        yield from (look(word) for look in self.also_found)
        if self.ends_of_ids:
            yield id_ends_with(word)


def searched_in(request: HttpRequest) -> str:
    """Return the number of newest rows that the search has scanned; "" if it covered all rows."""
    return str(getattr(request, "searched", ""))


def found_in(request: HttpRequest) -> str:
    """Return the maximum number of rows that a search finds; "" if this search found fewer."""
    return f"{MOST_FOUND:,}" if getattr(request, "is_cut", False) else ""


def _newest_keys(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST_FOUND])


def words_of(search: str) -> Iterator[str]:
    """Yield the words of a search; several words in quotes are one, as in Django's searches."""
    for part in smart_split(search):
        is_quoted = len(part) > 1 and part[0] in "\"'" and part[0] == part[-1]
        yield unescape_string_literal(part) if is_quoted else part


def text_fits(model: type[Model], path: str, lookup: str, word: str, **among: Any) -> Q:
    """Return a condition for rows whose field at the path fits a word by a lookup.

    If the path leads to a related row, that row is read by its key for each scanned row. A join may
    read the whole related table, because the database doesn't know how few rows are scanned. Only
    related rows that fulfil `among` fit.
    """
    of, _, rest = path.partition("__")
    related: Any = model._meta.get_field(of).related_model  # noqa: SLF001 (Django documents it)
    if not rest or rest == related._meta.pk.name:  # noqa: SLF001
        return Q(**{f"{path}__{lookup}": word})
    rows = related._base_manager.order_by().filter(pk=OuterRef(of), **among)  # noqa: SLF001
    text = Subquery(rows.values(rest)[:1], output_field=TextField())
    fits: Any = TextField.get_lookups()[lookup]
    return Q(fits(text, word))


def id_begins_with(word: str) -> Q:
    """Return a condition for rows whose id begins with the word, which the index of ids fulfils.

    The word has at least four characters, such as "01a2".
    """
    begin = word.replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{4,32}", begin):
        return Q(pk__in=[])
    return Q(pk__range=(UUID(begin.ljust(32, "0")), UUID(begin.ljust(32, "f"))))


def id_ends_with(word: str) -> Q:
    """Return a condition for rows whose id ends with the word.

    The word has at least four characters, such as "f91c". Pages show ids like "3f2a·f91c", so a "·"
    in the word is ignored.
    """
    end = word.replace("·", "").lower()
    is_end = re.fullmatch(r"[0-9a-f-]{4,36}", end)
    return Q(pk__endswith=end) if is_end else Q(pk__in=[])
