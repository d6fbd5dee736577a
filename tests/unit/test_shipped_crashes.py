"""The refund and the release, killed before and after every commit: the same outcome each time."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from examples.refund import refund
from examples.release import release
from procedures.testing import Answer, GivenFile, crash_test, script
from tests.refunds import SAMPLE
from tests.releases import PASSES
from tests.repositories import Checkout

pytestmark = pytest.mark.slow

Tell = Callable[[str], None]


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("feat: sell things", shop="1")
    checkout.tag("v1.2.0", "Version 1.2.0")
    checkout.commit("feat(cart): keep the cart over night", shop="2")
    return checkout


def test_a_refund_comes_out_the_same_wherever_it_is_killed(tell: Tell) -> None:
    people = script(
        {
            "*149.00*": Answer(True, by="ann"),  # noqa: FBT003 (a value)
            "*412.75*": Answer(False, by="ann", comment="Too late."),  # noqa: FBT003 (a value)
            "*100.01*": None,
            "*": True,
        }
    )

    report = crash_test(
        refund, {"orders": GivenFile("orders.csv", SAMPLE.read_bytes())}, humans=people
    )

    assert report.undisturbed.result.unanswered.orders == 1
    assert report.undisturbed.result.refused.orders == 1
    tell(f"refund: {report}")


def test_a_release_comes_out_the_same_wherever_it_is_killed(shop: Checkout, tell: Tell) -> None:
    people = script({"choice": "minor", "review": "# shop 1.3.0\n\nAll new.\n", "approval": True})

    report = crash_test(
        release,
        {"repository": "shop", "check": "tests"},
        humans=people,
        choices={"REPOSITORIES": {"shop": str(shop.path)}, "CHECKS": {"tests": shlex.join(PASSES)}},
        fresh=lambda: [shop.git("tag", "--delete", tag) for tag in tags(shop) if tag > "v1.2.0"],
        outcome=lambda run: (
            shop.git("tag", "--format=%(refname) of %(*objectname): %(contents)"),
            replace(run.result, check=None),  # it tells how long it took
            (run.status, run.steps, run.prompts, run.notices, run.files),
        ),
    )

    assert report.undisturbed.result.tag == "v1.3.0"
    assert tags(shop) == ["v1.2.0", "v1.3.0"]
    tell(f"release: {report}")


def tags(shop: Checkout) -> list[str]:
    return shop.git("tag").splitlines()
