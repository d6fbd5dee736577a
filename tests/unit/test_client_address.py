"""The address of a request's client, with and without proxies."""

from typing import Any

import pytest

from dashboard.http.client_address import with_client

PROXIES = ["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"]


def client(peer: str | None, *headers: str, proxies: list[str] | None = None) -> Any:
    found = [(b"x-forwarded-for", text.encode()) for text in headers]
    scope = {"type": "http", "headers": found, "client": [peer, 4711] if peer else None}
    seen = with_client(scope, PROXIES if proxies is None else proxies)["client"]
    return seen[0] if seen else None


@pytest.mark.parametrize(
    ("peer", "headers", "found"),
    [
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.5, 10.0.0.2"], "203.0.113.5"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["203.0.113.5:1234"], "203.0.113.5"),
        ("2001:db8::1", ["[2a00::5]:443"], "2a00::5"),
        ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["203.0.113.5, <script>"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("203.0.113.9", ["6.6.6.6"], "203.0.113.9"),
        ("11.0.0.1", ["6.6.6.6"], "11.0.0.1"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("fe80::1%25en0", ["6.6.6.6"], "fe80::1"),
        ("10.0.0.1", ["fe80::7%eth0"], "fe80::7"),
        ("2001:db8::1%eth1", ["[fe80::7%wlan0]:443"], "fe80::7"),
    ],
)
def test_only_what_a_trusted_proxy_wrote_is_believed(
    peer: str, headers: list[str], found: str
) -> None:
    assert client(peer, *headers) == found


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert client("127.0.0.1", "6.6.6.6", proxies=[]) == "127.0.0.1"


def test_a_proxy_may_come_by_a_unix_socket() -> None:
    assert client(None, "203.0.113.5", proxies=["unix"]) == "203.0.113.5"
    assert client(None, "203.0.113.5") is None


def test_others_do_not_say_how_they_came() -> None:
    headers = [(b"x-forwarded-proto", b"https"), (b"host", b"sign.example")]
    scope = {"type": "http", "client": ["203.0.113.9", 1], "headers": headers}

    assert with_client(scope, PROXIES)["headers"] == [(b"host", b"sign.example")]
    assert with_client({**scope, "client": ["10.0.0.1", 1]}, PROXIES)["headers"] == headers


def test_a_proxy_that_is_not_named_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        client("198.51.100.77", "6.6.6.6", proxies=[])

    told = [line for line in caplog.messages if "198.51.100.77" in line]
    assert len(told) == 1
    assert "TRUSTED_PROXIES" in told[0]
