"""The pages that may open the live socket."""

import pytest
from pytest_django import Settings

from dashboard.http.socket_origin import fault_of


@pytest.fixture(autouse=True)
def hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "sign.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://sign.example"]


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost", "localhost:80"),
        ("http://localhost:80", "localhost"),
        ("http://LOCALHOST", "localhost"),
        ("http://localhost:8000", "localhost:8000"),
        ("https://sign.example", "sign.example:443"),
        ("https://sign.example", "internal:8000"),
    ],
)
def test_the_sites_own_pages_open_it(origin: str, host: str) -> None:
    assert fault_of(origin, host) == ""


@pytest.mark.parametrize(
    ("origin", "host", "told"),
    [
        ("http://localhost", "localhost:8000", "for the host 'localhost:8000'"),
        ("http://localhost", "localhost:443", "SITE_URL"),
        ("https://localhost", "localhost:80", "SITE_URL"),
        ("http://localhost:8001", "localhost:8000", "SITE_URL"),
        ("http://elsewhere.example", "elsewhere.example", "ALLOWED_HOSTS"),
        ("null", "localhost", "ALLOWED_HOSTS"),
        ("", "localhost", "no Origin"),
        ("http://localhost:port", "localhost", "ALLOWED_HOSTS"),
    ],
)
def test_no_other_page_does_and_the_reason_is_said(origin: str, host: str, told: str) -> None:
    assert told in fault_of(origin, host)
