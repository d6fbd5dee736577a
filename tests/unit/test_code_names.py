"""Which names the code of procedures uses, wherever in it they stand."""

import pytest

from procedures.services import names_in_code
from tests.procedures import naming


@pytest.mark.parametrize("name", naming.NAMES)
def test_a_name_is_found_wherever_the_code_has_it(name: str) -> None:
    assert "names_people" in names_in_code()[name].in_code


def test_what_only_others_use_is_not_the_procedures_own() -> None:
    found = names_in_code()

    assert "of_nobody" not in found
    assert found["of_its_role"].in_roles == ("names_people",)
    assert found["of_its_role"].in_code == ()


def test_what_can_be_no_name_is_left_out() -> None:
    """A database may refuse even to look for it."""
    assert all(name and name.isprintable() and len(name) <= 150 for name in names_in_code())
