"""The product while it runs."""

import os
import re
import signal

import httpx

from dashboard.embedded.redis import is_listening
from tests.embedded.product import PATIENCE, Product
from tests.processes import wait_until

TOKEN = re.compile(r"/sign-in/\w+/\w+-[0-9a-f]+")


def test_it_says_where_it_is_and_who_may_sign_in(product: Product) -> None:
    assert f"Countersign is at {product.url}" in product.output
    for name in ("starter", "approver", "outsider", "operator"):
        assert re.search(rf"^  {name} .*{product.url}/sign-in/{name}/\S+$", product.output, re.M)


def test_it_answers_and_signs_in_by_link(product: Product) -> None:
    assert httpx.get(product.url, timeout=PATIENCE).headers["Location"] == "/sign-in?next=/"

    with product.signed_in("approver") as client:
        assert "Hello, approver" in client.get("/").text


def test_a_link_made_elsewhere_leads_to_the_product_that_runs(product: Product) -> None:
    bare = product.manage("sign_in_link", "starter", PORT="8000")
    told = product.manage("sign_in_link", "starter", SITE_URL="https://sign.example")

    assert bare.stdout.startswith(f"{product.url}/sign-in/starter/")
    assert told.stdout.startswith("https://sign.example/sign-in/starter/")


def test_the_operator_opens_the_admin(product: Product) -> None:
    with product.signed_in("operator") as client:
        assert client.get("/admin/").status_code == 200


def test_the_log_has_one_line_for_a_request_and_no_token(product: Product) -> None:
    with product.signed_in("starter"):
        pass
    signed_in = "POST /sign-in/starter/*** 302 "
    wait_until(
        lambda: any(line.startswith(signed_in) for line in product.lines_of("web")),
        timeout=PATIENCE,
        what=signed_in,
    )

    assert not TOKEN.search("\n".join(product.lines_of("web")))


def test_the_parts_say_their_names_once_ready(product: Product) -> None:
    for name in ("worker", "clock"):
        ready = re.compile(rf"^{name} +{name}@.* ready", re.MULTILINE)
        wait_until(
            lambda: ready.search(product.output),  # noqa: B023
            timeout=PATIENCE,
            what=ready.pattern,
        )

    assert "superuser" not in product.output
    assert "[tasks]" not in product.output


def test_redis_listens_on_no_port_and_for_its_owner_only(product: Product) -> None:
    assert product.socket.stat().st_mode & 0o777 == 0o700
    assert product.socket.parent.stat().st_mode & 0o777 == 0o700
    assert "unixsocket" in next(c for c in product.processes().values() if "redis-server" in c)


def test_a_killed_worker_is_started_again_without_leftovers(product: Product) -> None:
    before = {pid for pid, command in product.processes().items() if "worker@" in command}
    ready = len(product.lines_of("worker"))

    os.kill(product.main_process_of("worker@"), signal.SIGKILL)

    wait_until(
        lambda: any("ready." in line for line in product.lines_of("worker")[ready:]),
        timeout=PATIENCE,
        what="the worker to be ready again",
    )
    assert any(
        line.startswith("was killed by signal 9 (Killed); restarting")
        for line in product.lines_of("worker")
    )
    assert not before & {*product.processes()}


def test_a_killed_redis_is_started_again(product: Product) -> None:
    before = product.main_process_of("redis-server")

    os.kill(before, signal.SIGKILL)

    wait_until(
        lambda: [
            pid
            for pid, command in product.processes().items()
            if "redis-server" in command and pid != before
        ],
        timeout=PATIENCE,
        what="another Redis",
    )
    wait_until(lambda: is_listening(product.socket), timeout=PATIENCE, what="it to listen")


def test_time_goes_on_after_the_clock_was_killed(product: Product) -> None:
    before = product.main_process_of("--queues=clock")

    os.kill(before, signal.SIGKILL)

    said = "was killed by signal 9 (Killed); restarting now"
    wait_until(lambda: said in product.lines_of("clock"), timeout=PATIENCE, what=said)
    swept_at = product.swept_at()
    wait_until(lambda: product.swept_at() != swept_at, timeout=PATIENCE, what="a sweep")


def test_a_second_one_is_refused(product: Product) -> None:
    assert re.fullmatch(
        r"Countersign is already running here as process \d+\. Use it, or stop it first\.\n",
        product.refusal(),
    )
