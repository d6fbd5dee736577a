"""The messages of `manage.py check` about the site's settings, and the defaults of settings."""

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from dashboard.environment.checks import check_texts
from procedures.conf import NAMES, SECRET, Settings, UnfitSettingError, conf, conf_at_import
from procedures.site_checks import check_settings, refuse_wrong_settings
from procedures.system_checks import check_procedure_files


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

    assert str(told.msg).startswith(
        (f"COUNTERSIGN: {name} must be ", f"COUNTERSIGN: {name} can't be used: ")
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("RUN_LEASE_SECONDS", "soon", "must be a number from 1 to 600, not 'soon'."),
        ("RUN_LEASE_SECONDS", float("nan"), "must be a number from 1 to 600, not nan."),
        ("MOST_OPEN_RUNS", 0, "must be a whole number from 1 to 1,000,000,000, not 0."),
        ("IS_EMBEDDED", "no", "must be True or False, not 'no'."),
        ("BASE_DIR", "/srv", "must be a pathlib.Path, not '/srv'."),
        ("CHANNELS", "shop.Radio", "must be a list of strings, not 'shop.Radio'."),
        ("CHANNELS", [5], "can't be used: 0: Input should be a valid string, not 5."),
        ("SITE_CHOICES", 5, "must be a dictionary, not 5."),
        ("NOTIFY_AFTER", 60, "must be a timedelta from 0:00:00 to 1 day, 0:00:00, not 60."),
        ("LEDGER_KEY", b"violet", "must be a string."),
        ("PUSH_KEY", ["violet"], "must be a string."),
        ("REDIS_URL", ["redis://:violet@cache"], "must be a string."),
        ("WEBHOOKS", "violet", "must be a dictionary."),
        ("LEDGER_KEY_FALLBACKS", [b"violet"], "can't be used: 0: Input should be a valid string."),
    ],
)
def test_a_refusal_names_the_setting_the_value_unless_it_is_secret_and_what_is_accepted(
    name: str, value: object, sentence: str
) -> None:
    with override_settings(COUNTERSIGN={name: value}):
        [told] = check_settings()

        assert str(told.msg) == f"COUNTERSIGN: {name} {sentence}"
        with pytest.raises(ImproperlyConfigured) as refused:
            refuse_wrong_settings()
        assert str(refused.value) == str(told.msg)


@override_settings(COUNTERSIGN={"STAFF_NEED_SECOND_FACTOR": "no", "MAX_UPLOAD_MB": 5})
def test_a_value_of_another_type_is_never_read() -> None:
    words = "STAFF_NEED_SECOND_FACTOR must be True or False, not 'no'"
    with pytest.raises(UnfitSettingError, match=words):
        _ = conf.STAFF_NEED_SECOND_FACTOR
    assert conf.MAX_UPLOAD_MB == 5
    assert conf_at_import.STAFF_NEED_SECOND_FACTOR is False
    assert conf_at_import.MAX_UPLOAD_MB == 5


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("value", [5, None, [5], {5: 5}, b"odd", object(), timedelta(-1)])
def test_any_value_of_any_setting_is_accepted_or_reported_once_by_the_checks(
    name: str, value: object
) -> None:
    with override_settings(COUNTERSIGN={name: value}):
        found = [one for one in run_checks() if one.is_serious()]

        if found:
            assert [name in str(one.msg) for one in found] == [True]
            assert getattr(conf_at_import, name) == getattr(Settings, name)
        else:
            assert getattr(conf, name) == getattr(conf_at_import, name) == value


@pytest.mark.parametrize("name", ["odd", "examples.odd", "odd.refund", ""])
def test_a_module_that_does_not_exist_is_reported(name: str) -> None:
    with override_settings(COUNTERSIGN={"PROCEDURE_MODULES": ["examples.refund", name]}):
        [told] = check_procedure_files()

        assert told.msg == f"PROCEDURE_MODULES names {name!r}, but there is no such module."


@pytest.mark.parametrize("value", [5, None, "RUN_LEASE_SECONDS", [("MCP", True)]])
def test_settings_that_are_no_dictionary_are_reported_alone(value: object) -> None:
    with override_settings(COUNTERSIGN=value):
        found = [str(one.msg) for one in run_checks() if one.is_serious()]

        assert found == [f"The setting COUNTERSIGN must be a dictionary, not {value!r}."]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "shop.example"),
        ("REDIS_URL", "localhost:violet"),
        ("VERIFY_AT", "24:00"),
        ("ATTEMPTS_PER_NAME", "often"),
        ("TRUSTED_PROXIES", ["10.0.0.1", "proxy.example"]),
        ("OIDC_PROVIDERS", {"corp": {"url": "https://id.example.com"}}),
    ],
)
def test_texts_that_cant_be_read_are_refused(name: str, value: object) -> None:
    with override_settings(COUNTERSIGN={name: value}):
        [told] = check_texts()

    is_secret = name in SECRET
    assert str(told.msg).startswith(f"COUNTERSIGN: {name} must be ")
    assert (f", not {value!r}." in str(told.msg)) != is_secret
    assert "violet" not in str(told.msg)


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
