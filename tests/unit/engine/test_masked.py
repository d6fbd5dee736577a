"""The parts that errors and log lines hide, and the parts that they show."""

from collections.abc import Iterator

import pytest

from procedures.engine import PublicError
from procedures.engine.errors import StepFailedError
from procedures.engine.journal.error_payloads import error_payload
from procedures.engine.values.secrecy import masked, note_site_secrets, site_secrets


@pytest.fixture
def site_secret() -> Iterator[str]:
    before = set(site_secrets)
    note_site_secrets(["the-sites-own-value", "abc", None])
    yield "the-sites-own-value"
    site_secrets.clear()
    site_secrets.update(before)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "PGPASSWORD=hunter2 psql",
        "{'password': 'hunter2', 'user': 'ann'}",
        '{"api_key": "hunter2"}',
        "https://shop.example/?token=hunter2&page=2",
        "postgres://ann:hunter2@db.example/shop",
        "redis://:hunter2@cache:6379/0 refused",
        "amqp://a:hunt%40er2hunter2@host",
        "Authorization: Bearer hunter2hunter2",
        "{'Authorization': 'Basic hunter2=='}",
        "curl -H 'authorization: token hunter2'",
        "sent Bearer hunter2.hunter2-hunter2",
        "client_secret = hunter2",
    ],
)
def test_what_is_secret_by_its_place_is_masked(text: str) -> None:
    assert "hunter2" not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "The password is too short.",
        "Unexpected token: }",
        "https://shop.example:8443/orders/7?page=2",
        "ann@shop.example: no such mailbox",
        "http://[::1]:8000/x",
        "Order 31 has no author",
        "10:30: basic training",
    ],
)
def test_all_else_stays(text: str) -> None:
    assert masked(text) == text


def test_the_sites_own_values_are_masked_everywhere(site_secret: str) -> None:
    assert masked(f"<{site_secret}> abc") == "<***> abc"
    assert masked(f"<{site_secret}>", is_public=True) == "<***>"


def test_an_error_is_kept_masked_with_its_traceback(site_secret: str) -> None:
    def fail() -> None:
        raise RuntimeError("password=" + "hunter2 " + site_secret)

    with pytest.raises(RuntimeError) as failure:
        fail()
    kept = error_payload(failure.value)

    assert kept["message"] == "password=*** ***"
    assert "password=***" in kept["traceback"]
    assert site_secret not in kept["traceback"]


class OutOfStockError(PublicError):
    """Words for everybody."""


def test_the_message_of_a_group_names_what_is_inside_masked() -> None:
    several = ExceptionGroup("Two failed", [OutOfStockError(), OSError("token=new")])

    assert error_payload(ExceptionGroup("All", [several]))["message"] == (
        "All (1 sub-exception): OutOfStockError; OSError: token=***"
    )


def test_an_author_may_say_that_the_words_are_public() -> None:
    assert error_payload(OutOfStockError("Set token=new in the shop."))["message"] == (
        "Set token=new in the shop."
    )
    assert error_payload(ValueError("Set token=new."))["message"] == "Set token=***"
    assert error_payload(StepFailedError("pay", "OutOfStockError", "token=new"))[
        "message"
    ].endswith("=new")
