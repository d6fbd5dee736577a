"""Values in the environment, and refusals of bad ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.environment.site_secrets import passwords_of
from dashboard.environment.values import bucket_storage
from dashboard.environment.variables import CHECKOUT, Environment, read_environment, redis_socket
from tests import machine

PRODUCTION = {
    "SECRET_KEY": "neither-guessed-nor-shown-anywhere-0123456789-abcdefghij",
    "LEDGER_KEY": "signs-what-happened-0123456789-abcdefghij-klmnopqrst",
    "ALLOWED_HOSTS": "sign.example, www.sign.example",
    "DATABASE_URL": "postgres://someone:secret@database.example/countersign?sslmode=require",
    "REDIS_URL": "redis://redis.example:6379/0",
    "SITE_URL": "https://sign.example",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name, raising=False)


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, "LOCAL_DIR": str(machine.FOLDER), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_production_is_ready_to_deploy() -> None:
    checked = manage("check", "--deploy", "--fail-level=INFO", **PRODUCTION)

    assert "no issues" in checked.stdout, checked.stderr
    assert checked.returncode == 0


@pytest.mark.slow
def test_production_binds_no_other_name_of_its_domain_to_https() -> None:
    changed = manage("diffsettings", **PRODUCTION).stdout

    assert "SECURE_HSTS_SECONDS = 31536000" in changed
    assert "SECURE_HSTS_INCLUDE_SUBDOMAINS" not in changed
    assert "SECURE_HSTS_PRELOAD" not in changed


@pytest.mark.slow
def test_production_finds_every_file_its_styles_name(tmp_path: Path) -> None:
    collected = manage("collectstatic", "--no-input", **PRODUCTION, LOCAL_DIR=str(tmp_path))

    assert collected.returncode == 0, collected.stderr
    assert list((tmp_path / "static" / "dashboard").glob("app.*.css"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", " , "),
        ("ALLOWED_HOSTS", "https://sign.example"),
        ("ALLOWED_HOSTS", "sign.example:8000"),
        ("BROKER_URL", "rabbit"),
        ("BROKER_URL", "amqp://someone:secret@host:many//"),
        ("BROKER_URL", "rabbit://host"),
        ("BROKER_URL", "sentinel://a.example:26379"),
        ("BROKER_URL", "amqp://a.example//;rabbit://someone:secret@b.example"),
        ("BROKER_URL", "amqp://a.example//;"),
        ("CHECKS", "make test"),
        ("CHECKS", '["make test"]'),
        ("CHECKS", '{"tests": "sh \'make"}'),
        ("CHECKS", '{"tests": " "}'),
        ("CHECKS", '{"": "make test"}'),
        ("DATABASE_URL", "garbage"),
        ("DATABASE_URL", "mysql://someone:secret@host/name"),
        ("DATABASE_URL", "postgres://someone:secret@host:many/name"),
        ("DATABASE_URL", "postgres://host/name?prepared_statements=perhaps"),
        ("DATABASE_URL", "postgres://secret@host"),
        ("DEBUG", "perhaps"),
        ("EMAIL_URL", "mail.example"),
        ("EMAIL_URL", "imap://someone:secret@mail.example"),
        ("EMAIL_URL", "smtp://someone:secret@mail.example:many"),
        ("FILES_URL", "files"),
        ("FILES_URL", "s3://"),
        ("FILES_URL", "s3:///folder"),
        ("FILES_URL", "gs://bucket"),
        ("FILES_URL", "s3://bucket?secret_key=secret"),
        ("FILES_URL", "s3://bucket?region=north"),
        ("LEDGER_KEY", ""),
        ("NOTIFY_AFTER_SECONDS", "soon"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "Sign <sign@mail.example>\nBcc: all@mail.example"),
        ("MAX_UPLOAD_MB", "abc"),
        ("PORT", "70000"),
        ("PORT", "http"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://:secret@host:99999/0"),
        ("REDIS_URL", "redis://host/cache"),
        ("PROCEDURE_READERS", ".json=shop.read"),
        ("PROCEDURE_READERS", '{"json": "shop.read"}'),
        ("PROCEDURE_READERS", '{".json": "shop/read.py"}'),
        ("PROCEDURE_READERS", '{".json": 7}'),
        ("REQUEST_KINDS", "Rating"),
        ("REQUEST_KINDS", "shop/kinds.py"),
        ("CHANNELS", "Pager"),
        ("LARGEST_PROCEDURE_FILE", "12"),
        ("REPOSITORIES", "countersign=/srv/countersign"),
        ("REPOSITORIES", '{"countersign": "countersign"}'),
        ("REPOSITORIES", '{"countersign": 7}'),
        ("LUA_FOLDERS", "data=/srv/data"),
        ("REPOSITORIES", '{"../countersign": "/srv/countersign"}'),
        ("RUN_LEASE_SECONDS", "0"),
        ("RUN_LONGEST_DAYS", "9999"),
        ("RUN_MOST_STEPS", "0"),
        ("SECRET_KEY", "secret"),
        ("SITE_URL", "sign.example"),
        ("SITE_URL", "https:///path"),
        ("SITE_URL", "https://sign.example:many"),
        ("SITE_URL", "https://sign.example?x=1"),
        ("SITE_URL", "https://sign .example"),
        ("SITE_URL", "http://["),
        ("TIME_ZONE", "Mars"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("ATTEMPTS_PER_NAME", "often"),
        ("ATTEMPTS_PER_NAME", "0 per minute"),
        ("ATTEMPTS_PER_ADDRESS", "10 per 1000 years"),
        ("LOCAL_DIR", " "),
        ("SECRET_KEY_FALLBACKS", "secret"),
        ("WORKER_SLOTS", "none"),
    ],
)
def test_a_bad_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=f"{name}: ") as refusal:
        read_environment()

    assert "secret" not in str(refusal.value)


def test_a_sites_own_kinds_and_channels_are_known_to_its_processes() -> None:
    names = (
        "from chat.channels.registry import channels; print(*channels)\n"
        "from procedures.engine.kinds.kind import KINDS; print(*KINDS)"
    )
    kinds, pagers = "tests.procedures.ratings.Rating", "tests.pager.Pager"

    known = manage("shell", "-c", names, REQUEST_KINDS=kinds, CHANNELS=pagers)
    kindless = manage("shell", "-c", names, REQUEST_KINDS=f"{kinds}, {kinds}s")
    mute = manage("shell", "-c", names, CHANNELS=f"{pagers}, {pagers}s")

    *_, told_channels, told_kinds = known.stdout.splitlines()
    assert told_kinds.split()[-1] == "delivery_rating", known.stderr
    assert f"REQUEST_KINDS names {kinds}s, which can't be used" in kindless.stderr
    shipped = {"api", "chat", "page", "mail", "push", "webhook"}
    assert set(told_channels.split()) == {*shipped, "pager"}
    assert f"CHANNELS names {pagers}s, which can't be used" in mute.stderr


def test_an_earlier_name_of_a_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_AFTER_SECONDS", "60")

    with pytest.raises(ImproperlyConfigured, match="is now called NOTIFY_AFTER_SECONDS"):
        read_environment()


@pytest.mark.parametrize("command", ["check", "dev", "sign_in_link"])
def test_a_bad_value_stops_every_command_with_a_sentence(command: str) -> None:
    refused = manage(command, TIME_ZONE="Mars")

    assert refused.returncode == 1
    assert refused.stderr == (
        "The environment can't be used: TIME_ZONE: must be a time zone like Europe/Berlin.\n"
    )


def test_several_bad_values_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("WORKER_SLOTS", "0")

    with pytest.raises(ImproperlyConfigured, match=r"PORT: .*; WORKER_SLOTS: "):
        read_environment()


def test_a_folder_that_cannot_be_written_stops_with_a_sentence() -> None:
    refused = manage("check", LOCAL_DIR="/dev/null/local")

    assert refused.returncode == 1
    assert "The folder /dev/null/local can't be written to" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_production_needs_a_key_for_the_journals() -> None:
    with pytest.raises(ImproperlyConfigured, match="LEDGER_KEY is missing"):
        Environment.model_validate({"SECRET_KEY": PRODUCTION["SECRET_KEY"]}).ledger_key()


def test_files_lie_where_their_address_says(tmp_path: Path) -> None:
    usual = Environment(LOCAL_DIR=tmp_path).file_storage()
    named = Environment(LOCAL_DIR=tmp_path, FILES_URL="/mnt/countersign").file_storage()

    assert usual["OPTIONS"] == {"location": str(tmp_path / "files")}
    assert named["OPTIONS"] == {"location": "/mnt/countersign"}


def test_a_bucket_is_named_by_its_address() -> None:
    where = "region_name=eu-central-1&endpoint_url=https%3A//minio.example"

    assert bucket_storage(f"s3://sign/site/files?{where}") == {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": "sign",
            "location": "site/files",
            "region_name": "eu-central-1",
            "endpoint_url": "https://minio.example",
            "file_overwrite": True,
            "querystring_auth": True,
        },
    }


def test_a_bucket_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "storages", None)
    monkeypatch.setenv("FILES_URL", "s3://sign")

    with pytest.raises(ImproperlyConfigured, match=r"FILES_URL: .*django-storages\[s3\]"):
        read_environment()


def test_repositories_and_checks_are_named_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSITORIES", '{"shop": "/srv/shop", "site": "/srv/my site"}')
    monkeypatch.setenv("CHECKS", '{"tests": "make test"}')

    assert read_environment().site_choices() == {
        "REPOSITORIES": {"shop": "/srv/shop", "site": "/srv/my site"},
        "CHECKS": {"tests": "make test"},
        "LUA_FOLDERS": {},
    }


def test_a_site_of_its_own_allows_only_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", PRODUCTION["SECRET_KEY"])

    assert read_environment().site_choices() == {
        "REPOSITORIES": {},
        "CHECKS": {},
        "LUA_FOLDERS": {},
    }


def test_the_embedded_product_has_a_repository_to_try(tmp_path: Path) -> None:
    choices = Environment(LOCAL_DIR=tmp_path).site_choices()

    assert choices["REPOSITORIES"] == {"demo": str(tmp_path / "demo-repository")}
    assert list(choices["CHECKS"]) == ["tests"]


def test_only_the_embedded_product_loads_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCEDURE_MODULES", "shop, examples.refund")
    embedded = read_environment().procedure_modules()
    monkeypatch.setenv("SECRET_KEY", PRODUCTION["SECRET_KEY"])

    assert embedded == [
        *("examples.refund", "examples.release", "examples.supplies"),
        *("dashboard.demo.desk", "programs.agents.demo", "shop"),
    ]
    assert read_environment().procedure_modules() == ["shop", "examples.refund"]


def test_the_embedded_product_keeps_its_own_secret(tmp_path: Path) -> None:
    environment = Environment(LOCAL_DIR=tmp_path / "local")

    secret = environment.secret_key()

    assert environment.is_embedded
    assert len(secret) > 50
    assert environment.secret_key() == secret
    assert environment.ledger_key() == f"ledger:{secret}"
    assert (tmp_path / "local" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_site_is_where_it_listens_unless_told_otherwise() -> None:
    assert Environment(PORT=8001).site_url() == "http://localhost:8001"
    assert Environment(PORT=8001, SITE_URL="https://a.example/").site_url() == "https://a.example"


def test_the_broker_is_the_redis_unless_told_otherwise(tmp_path: Path) -> None:
    embedded = Environment(LOCAL_DIR=tmp_path / "a b#c")
    rabbit = Environment(REDIS_URL="redis://a.example/0", BROKER_URL="amqp://b.example")

    assert embedded.redis_url() == f"unix://{tmp_path}/a%20b%23c/redis/redis.sock"
    assert embedded.broker_url() == f"redis+socket://{tmp_path}/a%20b%23c/redis/redis.sock"
    assert rabbit.broker_url() == "amqp://b.example"


def test_the_broker_uses_the_database_of_the_redis() -> None:
    environment = Environment(REDIS_URL="unix:///run/redis.sock?db=2")

    assert environment.broker_url() == "redis+socket:///run/redis.sock?virtual_host=2"


def test_several_brokers_are_tried_in_turn_and_their_passwords_are_secret() -> None:
    both = "amqp://ann:first@a.example:5672//;amqps://ann:s%20d@b.example:5671//"
    rabbits = Environment(BROKER_URL=both)

    assert rabbits.broker_url() == both
    assert {"first", "s%20d", "s d"} <= set(passwords_of(both))


def test_a_long_folder_has_its_socket_in_the_temporary_one(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)

    assert redis_socket(tmp_path) == tmp_path / "redis" / "redis.sock"
    assert len(str(redis_socket(long))) < 100
    assert redis_socket(long) != redis_socket(long / "other")


def test_what_runs_is_what_is_tested() -> None:
    runs, tested = (
        {line.split(" ")[0] for line in (CHECKOUT / name).read_text().splitlines() if "==" in line}
        for name in ("requirements.txt", "requirements-dev.txt")
    )

    assert runs
    assert runs <= tested


@pytest.mark.parametrize("name", ["SECRET_KEY", "LEDGER_KEY"])
@pytest.mark.parametrize(
    "value",
    [
        "a" * 64,
        "abcdefghijkl" * 5,
        "django-insecure-8f3k2l1m9q7w5e4r6t8y0u2i4o6p",
        "change-me-change-me-change-me-please-0123456789",
        "abababababababababababababababababababab",
    ],
)
def test_a_weak_key_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=f"{name}: must be random"):
        read_environment()


def test_older_keys_are_given_beside_the_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    old = "drawn-long-ago-8f3k2l1m9q7w5e4r6t8y"
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{old} {PRODUCTION['SECRET_KEY']}")
    monkeypatch.setenv("LEDGER_KEY_FALLBACKS", old)

    environment = read_environment()

    assert [one.get_secret_value() for one in environment.SECRET_KEY_FALLBACKS] == [
        old,
        PRODUCTION["SECRET_KEY"],
    ]
    assert len(environment.LEDGER_KEY_FALLBACKS) == 1
