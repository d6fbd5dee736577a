"""Reports are sent to no address of this network, whatever a name server says."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from chat.models import Notification
from chat.services import Answer, respond
from dashboard.channels import posting
from dashboard.channels.posting import ForbiddenAddressError, PostError, is_allowed, resolve
from tests.configured import configure
from tests.outside import asked_by, report_to_shop, send_reports
from tests.receivers import Receiver

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),  # noqa: S104
        *("169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1:1::80ff:fffe", "2001:db8::1"),
    ],
)
def test_no_address_of_this_network_is_allowed(address: str) -> None:
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "::ffff:93.184.215.14"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_allowed_by_its_setting_only(address: str) -> None:
    assert is_allowed(ip_address(address), to_loopback=True)
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_the_setting_for_loopback_allows_nothing_else(address: str) -> None:
    assert not is_allowed(ip_address(address), to_loopback=True)


def test_a_name_that_resolves_to_loopback_is_refused_without_a_connection(
    receiver: Receiver, program: Client, bob: User, settings: Settings, caplog: Any
) -> None:
    request = asked_by(program, webhook="shop")
    respond(request.pk, Answer(value=True), by=bob)
    report_to_shop(settings, receiver.url.replace("http://127.0.0.1", "https://localhost"))
    configure(settings, WEBHOOKS_TO_LOOPBACK=False)

    send_reports()

    row = Notification.objects.get(channel="webhook")
    assert row.status == "failed"
    assert row.note == (
        "shop: The receiver's host has an address that isn't public. Reports are sent to public "
        "addresses only (WEBHOOKS_TO_LOOPBACK also allows addresses of this machine)."
    )
    assert receiver.sent == []


def test_one_forbidden_address_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [("93.184.215.14", 443), ("10.0.0.1", 443)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(ForbiddenAddressError):
        resolve("hooks.example", 443)


def test_the_host_is_looked_up_once_and_what_was_checked_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers differently the second time is never asked again."""
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    answers = [[("127.0.0.1", port)], [("10.0.0.1", port)]]

    def look_up(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    posting.post(f"http://rebind.example:{port}/hook", b"{}", {}, to_loopback=True)

    assert len(answers) == 1
    [(headers, _body)] = receiver.sent
    assert headers["host"] == f"rebind.example:{port}"


def test_a_receiver_that_never_answers_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(PostError, match="No response"):
            posting.post(url, b"{}", {}, to_loopback=True, seconds=0.2)


def test_a_certificate_that_nobody_knows_is_refused(receiver: Receiver) -> None:
    with pytest.raises(PostError, match="No response"):
        posting.post(receiver.url.replace("http:", "https:"), b"{}", {}, to_loopback=True)
    assert receiver.sent == []
