"""The messages of `manage.py check` about the site's settings, and the defaults of settings."""

from datetime import timedelta

import pytest
from django.test import override_settings

from dashboard.environment.checks import check_texts
from procedures.conf import NAMES, conf
from procedures.site_checks import check_settings


@override_settings(COUNTERSIGN={"SITE_ULR": "https://shop.example", "REDIS": "redis://redis"})
def test_unknown_names_are_refused_with_the_nearest_right_one() -> None:
    told = [(str(one.msg), one.hint) for one in check_settings()]

    assert told == [
        ("COUNTERSIGN has no setting 'REDIS'.", "Did you mean REDIS_URL?"),
        ("COUNTERSIGN has no setting 'SITE_ULR'.", "Did you mean SITE_URL?"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUN_LEASE_SECONDS", "soon"),
        ("PROCEDURE_MODULES", "shop.procedures"),
        ("SIZES", {"prompt": "long"}),
        ("NOTIFY_AFTER", []),
        ("NOTIFY_AFTER", 60),
        ("RETENTION_DAYS", "30"),
        ("LOCAL_DIR", "/srv/local"),
        ("IS_EMBEDDED", "no"),
        ("RUN_LEASE_SECONDS", 0),
        ("RETENTION_DAYS", -1),
        ("MOST_OPEN_RUNS", 10**30),
        ("UPLOADS_KEPT", timedelta(days=-1)),
        ("SIZES", {"promt": 80}),
        ("SIZES", {"prompt": 0}),
        ("RUN_LIMITS", 5),
        ("RUN_LIMITS", {"stops": 5}),
        ("RUN_LIMITS", {"steps": 0}),
        ("RUN_LIMITS", {"max_duration": "long"}),
    ],
)
def test_values_of_another_type_or_size_are_refused(name: str, value: object) -> None:
    with override_settings(COUNTERSIGN={name: value}):
        [told] = check_settings()

    assert str(told.msg).startswith(f"COUNTERSIGN: {name} can't be used: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "shop.example"),
        ("REDIS_URL", "localhost:6379"),
        ("VERIFY_AT", "24:00"),
        ("ATTEMPTS_PER_NAME", "often"),
        ("TRUSTED_PROXIES", ["10.0.0.1", "proxy.example"]),
        ("OIDC_PROVIDERS", {"corp": {"url": "https://id.example.com"}}),
    ],
)
def test_texts_that_cant_be_read_are_refused(name: str, value: object) -> None:
    with override_settings(COUNTERSIGN={name: value}):
        [told] = check_texts()

    assert str(told.msg).startswith(f"COUNTERSIGN: {name} must be ")


@override_settings(COUNTERSIGN={}, SITE_CHOICES={"SHELVES": {}})
def test_a_setting_beside_the_dictionary_is_told_of() -> None:
    [told] = check_settings()

    assert str(told.msg) == "The setting SITE_CHOICES only has an effect inside COUNTERSIGN."


@override_settings(COUNTERSIGN={}, SECRET_KEY="the shop's own")
def test_a_site_that_sets_nothing_has_a_default_for_everything() -> None:
    assert check_settings() == []
    with override_settings(COUNTERSIGN={name: getattr(conf, name) for name in NAMES}):
        assert [*check_settings(), *check_texts()] == []
    assert {name for name in NAMES if getattr(conf, name) is None} == set()
    assert conf.LEDGER_KEY == "ledger:the shop's own"
    assert timedelta(minutes=1) == conf.NOTIFY_AFTER
    with pytest.raises(AttributeError, match="COUNTERSIGN has no setting SITE"):
        conf.SITE  # type: ignore[attr-defined]  # noqa: B018


@override_settings(COUNTERSIGN={"RUN_LIMITS": {"steps": 10}})
def test_limits_that_a_site_leaves_out_keep_their_defaults() -> None:
    assert dict(conf.RUN_LIMITS) == {
        "steps": 10,
        "events": 100_000,
        "children": 100_000,
        "depth": 20,
        "max_duration": "366 days",
    }
