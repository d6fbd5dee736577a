from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.embedded.product import Product, audited_redis

NewProduct = Callable[..., Product]


@pytest.fixture
def new_product(tmp_path: Path) -> Iterator[NewProduct]:
    """Products that end with the test."""
    with ExitStack() as stack:

        def create(name: str = "local", **environment: str) -> Product:
            product = Product(tmp_path / name, **environment)
            stack.callback(product.end)
            return product

        yield create


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One that runs, shared by tests that leave it so."""
    folder = tmp_path_factory.mktemp("shared")
    running = Product(folder / "local", REDIS_SERVER=audited_redis(folder)).start()
    yield running
    running.end()
