"""The names that the code of procedures uses, wherever in it they stand."""

import pytest

from procedures.services import names_in_code
from tests.procedures import naming


@pytest.mark.parametrize("name", naming.NAMES)
def test_a_name_is_found_wherever_the_code_has_it(name: str) -> None:
    assert "names_people" in names_in_code()[name].in_code


@pytest.mark.parametrize("name", naming.NAMES_OF_TEXT)
def test_a_name_is_found_in_the_text_that_a_procedure_carries_out(name: str) -> None:
    assert names_in_code()[name].in_code == ("names_in_text",)


def test_a_word_of_a_sentence_is_no_name() -> None:
    assert "of_prose" in naming.TEXT
    assert "of_prose" not in names_in_code()


def test_what_only_others_use_is_not_the_procedures_own() -> None:
    found = names_in_code()

    assert "of_nobody" not in found
    assert found["of_its_role"].in_roles == ("names_people",)
    assert found["of_its_role"].in_code == ()


def test_what_can_be_no_name_is_left_out() -> None:
    """A database may refuse even to look for it."""
    assert all(name and name.isprintable() and len(name) <= 150 for name in names_in_code())
