"""The machine the tests run on: an environment of their own, set before Django reads its settings.

`DATABASE_URL` names the test database from the start, so that processes the tests start see it too.
"""

import atexit
import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

import pytest

from dashboard.environment.variables import Environment

PREFIX = "cs-"
MEMORY = Path("/dev/shm")  # noqa: S108 (where Linux keeps files in memory)
ROOM = 2**31
"""The free bytes that files in memory must have: several sessions use them at once."""
NOUNS = (
    "agents",
    "audited",
    "careless",
    "conversing",
    "decided",
    "doings",
    "families",
    "faults",
    "forked",
    "forms",
    "held",
    "inboxes",
    "inputs",
    "kinships",
    "large",
    "keeping",
    "limited",
    "moments",
    "naming",
    "named",
    "others",
    "parallel",
    "pictured",
    "questions",
    "ratings",
    "reaching",
    "readings",
    "retried",
    "secretive",
    "seeds",
    "settings",
    "serving",
    "showing",
    "shown",
    "steps",
    "talking",
    "together",
    "unkept",
    "writes",
    "writing",
)
PROCEDURES = (
    *(f"tests.procedures.{noun}" for noun in NOUNS),
    "tests.asking",
    "tests.crash.procedures",
    "tests.crash.agents",
    "tests.crash.doings",
    "tests.crash.families",
    "tests.crash.stopped",
    "tests.crash.disasters",
    "tests.crash.talks",
    "tests.storm.procedures",
    "tests.races.procedures",
)


def choose_database(name: str) -> str:
    """SQLite in a file; with TEST_DATABASE=postgres a server named from outside or our own."""
    match os.environ.get("TEST_DATABASE", "sqlite"):
        case "sqlite":
            return f"sqlite:///{FOLDER / 'test.sqlite3'}"
        case "postgres" if url := os.environ.get("TEST_DATABASE_URL"):
            return urlsplit(url)._replace(path=f"/{name}").geturl()
        case "postgres" if "PGHOST" in os.environ:
            return f"postgresql:///{name}"
        case "postgres":
            host = str(POSTGRES_FOLDER).replace("/", "%2F")
            return f"postgresql://postgres@{host}/{name}"
        case other:
            raise pytest.UsageError(f"TEST_DATABASE is sqlite or postgres, not {other!r}.")


def forget_the_developers_environment() -> None:
    """Forget the variables of a shell for the product, for Celery and for PostgreSQL.

    Also forget that Python shall keep no bytecode: each process would compile all it imports.
    """
    others = {"DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE"}
    names = {*Environment.model_fields, *others} - {"REDIS_SERVER"}
    sys.dont_write_bytecode = False
    prefixes = ("CELERY_", "PG") if OWNS_POSTGRES else ("CELERY_",)
    for name in list(os.environ):
        if name in names or name.startswith(prefixes):
            del os.environ[name]


def choose_place() -> Path | None:
    """Return the folder for files in memory, None if it is missing or full: no disk is waited for.

    What a process has written outlives it there all the same.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > ROOM else None


FOLDER = Path(mkdtemp(prefix=PREFIX, dir=choose_place()))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
POSTGRES_FOLDER = FOLDER.with_name(FOLDER.name.replace(PREFIX, f"{PREFIX}pg-", 1))
OWNS_POSTGRES = os.environ.get("TEST_DATABASE") == "postgres" and not (
    {"TEST_DATABASE_URL", "PGHOST"} & {*os.environ}
)
DATABASE_URL = choose_database("countersign_" + FOLDER.name.removeprefix(PREFIX))
forget_the_developers_environment()
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "dashboard.settings",
    "LOCAL_DIR": str(FOLDER),
    "DATABASE_URL": DATABASE_URL,
    "REDIS_URL": f"unix://{FOLDER / 'redis.sock'}",
    "PROCEDURE_MODULES": ",".join(PROCEDURES),
    "RUN_LEASE_SECONDS": "2",
    "STORAGE_PATIENCE_SECONDS": "1",
    "WORKER_SLOTS": "2",
}
if os.environ.get("TEST_SIGN_IN") == "company":
    # Apps are installed when Django starts, so those of the extra need a session of their own.
    os.environ["COMPANY_SIGN_IN"] = "true"
