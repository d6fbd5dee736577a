"""Commands on a site whose database can't be used say so in a sentence."""

import sqlite3

import pytest
from django.core.management import CommandError, get_commands, load_command_class
from django.db import OperationalError, ProgrammingError

from procedures.databases import OURS
from procedures.management.site_command import SiteCommand

WITHOUT_DATABASE = {"create_push_key", "dev"}


class Failing(SiteCommand):
    """A command that meets an error of the database."""

    requires_system_checks = ()
    error: Exception

    def handle(self, *_: object, **__: object) -> None:
        raise self.error


def command_with(error: Exception, cause: Exception | None = None) -> Failing:
    command = Failing()
    error.__cause__ = cause
    command.error = error
    return command


def execute(command: SiteCommand) -> None:
    command.execute(no_color=True, force_color=False, skip_checks=True)


def caused(**codes: object) -> Exception:
    """A driver's error with a code, as psycopg and sqlite3 have it."""
    error = OSError()
    for name, code in codes.items():
        setattr(error, name, code)
    return error


def test_an_error_of_the_database_is_said_with_its_remedy() -> None:
    missing, denied = caused(sqlstate="42P01"), caused(sqlstate="28P01")
    late, busy = caused(sqlstate="55P03"), caused(sqlite_errorcode=sqlite3.SQLITE_BUSY_SNAPSHOT)

    for error, cause, words in (
        (OperationalError("no such table: run"), None, r"\(no such table: run\). Run `make run`"),
        (ProgrammingError("it is\nmissing"), missing, r"\(it is missing\). Run `make run` first."),
        (OperationalError("connection refused"), None, "Make sure that it runs, and that its"),
        (OperationalError("no password"), denied, "Make sure that it runs, and that its"),
        (OperationalError("lock timeout"), late, r"complete the command \(lock timeout\). Run it"),
        (OperationalError("locked"), busy, r"^The database couldn't complete .*\. Run it again\.$"),
    ):
        with pytest.raises(CommandError, match=words) as refused:
            execute(command_with(error, cause))
        assert refused.value.__cause__ is error


def test_a_wrong_statement_is_no_matter_of_the_database() -> None:
    with pytest.raises(ProgrammingError, match="syntax error"):
        execute(command_with(ProgrammingError("syntax error")))


def test_every_command_of_the_product_says_it() -> None:
    apps = {label.removeprefix("countersign_") for label in OURS}
    found = {name: app for name, app in get_commands().items() if app in apps}
    others = {
        name
        for name, app in found.items()
        if not isinstance(load_command_class(app, name), SiteCommand)
    }

    assert {"verify_journal", "sign_in_link"} <= found.keys()
    assert others == WITHOUT_DATABASE
