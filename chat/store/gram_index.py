"""The index over the grams of texts: GIN on PostgreSQL, FTS5 on SQLite."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models.lookups import Lookup

FTS = "countersign_search"
"""The name of the index. On SQLite, the index is a table of the extension FTS5."""


class GramsField(models.TextField):  # type: ignore[type-arg]
    """The grams of a text, separated by blanks; PostgreSQL stores them as a set of lexemes."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"


@GramsField.register_lookup
class ContainsGrams(Lookup):  # type: ignore[type-arg]
    """The condition that the grams of a text include all grams of a query, checked by the index."""

    lookup_name = "fit"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, list[Any]]:
        return "%s", [value]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, cells = self.process_lhs(compiler, connection)
        return f"{column} @@ %s::tsquery", [*cells, self._said("'{}'", "'{}':*", " & ")]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column = compiler.compile(self.lhs)[0].replace('"grams"', '"id"')
        found = f"SELECT rowid FROM {FTS} WHERE {FTS} MATCH %s"  # noqa: S608 (our own name)
        return f"{column} IN ({found})", [self._said('"{}"', '"{}" *', " AND ")]

    def _said(self, whole: str, beginning: str, both: str) -> str:
        # Grams hold only letters, digits and symbols, and so nothing that could end a quotation.
        query: Any = self.rhs
        parts = [whole.format(one) for one in query.grams]
        return both.join(parts or [beginning.format(one) for one in query.beginnings])


class GramIndex(models.Index):
    """An index over a `GramsField`: GIN on PostgreSQL, FTS5 with triggers on SQLite."""

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Statement:
        table = model._meta.db_table  # noqa: SLF001 (Django documents it)
        if schema_editor.connection.vendor == "postgresql":
            return super().create_sql(model, schema_editor, using=" USING gin", **kwargs)
        names = {"index": self.name, "table": table}
        schema_editor.execute(SQLITE.format(**names))
        *first, last = (
            f"CREATE TRIGGER {self.name}_{name} {definition.format(**names)}"
            for name, definition in TRIGGERS.items()
        )
        for statement in first:
            schema_editor.execute(statement)
        return Statement(last)

    def remove_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, **kwargs: Any
    ) -> Any:
        if schema_editor.connection.vendor == "postgresql":
            return super().remove_sql(model, schema_editor, **kwargs)
        for name in TRIGGERS:
            schema_editor.execute(f"DROP TRIGGER {self.name}_{name}")
        return Statement(f"DROP TABLE {self.name}")


# All categories are token characters, and only the blank is a separator again, because blanks alone
# separate grams. Python and SQLite know different versions of Unicode, in which some characters
# have different categories. A gram in which SQLite saw two tokens would be a phrase, which this
# index refuses.
SQLITE = (
    "CREATE VIRTUAL TABLE {index} USING fts5(grams, content='{table}', content_rowid='id',"
    " detail=none, tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* M* S* C* P* Z*'"
    " separators ' '\")"
)
ADDED = "INSERT INTO {index}(rowid, grams) VALUES (new.id, new.grams);"
TAKEN = "INSERT INTO {index}({index}, rowid, grams) VALUES ('delete', old.id, old.grams);"
TRIGGERS = {
    "insert": f"AFTER INSERT ON {{table}} BEGIN {ADDED} END",
    "delete": f"AFTER DELETE ON {{table}} BEGIN {TAKEN} END",
    "update": f"AFTER UPDATE OF grams ON {{table}} BEGIN {TAKEN} {ADDED} END",
}
"""The triggers of SQLite that keep the index up to date.

They also run for statements that don't come from this code, such as a deletion in the admin.
"""
