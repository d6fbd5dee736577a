"""The forty requests, each with the decision that a careful person makes from its card alone."""

from tests.cards.money import LANGUAGES, MONEY
from tests.cards.records import DATA, TEXTS
from tests.cards.site import ACCESS, AGENTS, RELEASES

MATTERS = [*MONEY, *RELEASES, *DATA, *TEXTS, *AGENTS, *ACCESS, *LANGUAGES]
