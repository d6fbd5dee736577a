"""Start and end of the product, and all that it leaves: its data, nothing else."""

import signal
import socket
from pathlib import Path

import pytest

from dashboard.environment.variables import redis_socket
from tests.embedded.conftest import NewProduct
from tests.embedded.product import PATIENCE, Product
from tests.processes import wait_until

LONG = "x" * 100


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (signal.SIGTERM, LONG),
        pytest.param(signal.SIGINT, "local", marks=pytest.mark.soak),
        pytest.param(signal.SIGHUP, "local", marks=pytest.mark.soak),
    ],
)
def test_a_signal_stops_everything(
    new_product: NewProduct, number: signal.Signals, name: str
) -> None:
    product = new_product(name).start()
    folder = redis_socket(product.local).parent
    assert folder.exists()

    assert product.signal(number) == 0

    assert product.output.endswith("Everything has stopped.\n")
    assert "Traceback" not in product.output
    assert_nothing_is_left(product)
    assert folder.exists() == (name != LONG)  # it lay elsewhere, for want of room in an address
    link = product.manage("sign_in_link", "starter", PORT="8001").stdout
    assert link.startswith("http://localhost:8001/sign-in/starter/")  # where it would start


@pytest.mark.parametrize("trace", ["dev.lock", "redis/redis.sock", "countersign.sqlite3"])
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_a_signal_in_the_middle_of_the_start_stops_it(
    new_product: NewProduct, trace: str, number: signal.Signals
) -> None:
    product = new_product().launch()
    wait_until((product.local / trace).exists, what=trace, timeout=PATIENCE)

    assert product.signal(number) == 0

    assert "Traceback" not in product.output
    assert_nothing_is_left(product)


def test_data_and_sign_ins_outlive_a_killed_supervisor_and_a_stop(new_product: NewProduct) -> None:
    """Nothing else outlives them: no process, and no socket that anybody listens on."""
    product = new_product().start()
    with product.signed_in("starter") as client:
        product.signal(signal.SIGKILL)
        wait_until(lambda: not product.processes(), timeout=PATIENCE, what="every part to end")
        product.start()
        assert "Hello, starter" in client.get("/").text

        assert product.signal(signal.SIGINT) == 0
        assert product.output.endswith("Everything has stopped.\n")
        assert "Traceback" not in product.output
        assert_nothing_is_left(product)
        leave_stale_socket(product.socket)
        product.start()
        assert "Hello, starter" in client.get("/").text


def test_a_site_with_its_own_redis_starts_none(new_product: NewProduct, product: Product) -> None:
    other = new_product(REDIS_URL=f"unix://{product.socket}").start()

    assert not any("redis-server" in command for command in other.processes().values())
    assert not other.socket.exists()


def assert_nothing_is_left(product: Product) -> None:
    """Wait for the end of killed processes, which takes a moment."""
    wait_until(lambda: not product.processes(), what="the last one to vanish")
    assert not product.socket.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", product.port)) != 0


def leave_stale_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
