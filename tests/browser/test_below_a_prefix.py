"""The product below a prefix of another site: its pages find the socket, or go on without one."""

from django.contrib.auth.models import User
from playwright.sync_api import expect

from procedures.services import cancel_run
from tests import runs
from tests.browser.conftest import OpenPage
from tests.browser.test_calm import watch
from tests.conftest import StartWeb
from tests.pages import grant_to_both
from tests.processes import Web

OPS = {"DJANGO_SETTINGS_MODULE": "tests.ops.settings"}


def test_pages_below_a_prefix_follow_by_socket_and_without(
    site: Web, web: StartWeb, open_page: OpenPage, alice: User, dave: User
) -> None:
    ops = web(**OPS)
    grant_to_both("one_of_each")
    run = runs.start("one_of_each", by=alice, kind="approval")
    runs.wait_for_request(run)
    polling = open_page(alice, web=ops)
    polling.route_web_socket("**/ops/live", lambda socket: socket.close())
    polling.goto("/ops/runs")
    expect(polling.locator("html")).to_have_attribute("data-live", "polling")
    live = watch(open_page(alice, web=ops), "/ops/runs")

    cancel_run(run.pk, by=dave, reason="Ordered twice.")

    for page in (live, polling):
        expect(page.locator(".run-row")).to_contain_text("Cancelled by dave")
