"""Conditions as text: what they can say, and what an attacker gets."""

import pytest

from procedures.engine import DefinitionError
from programs.graphs import ConditionError
from programs.graphs.expressions import Expression, filled

VALUES = {
    "amount": 31,
    "who": {"name": "ann", "teams": ["a", "b"]},
    "names": ["ann", "bob"],
    "ok": False,
    "data-1": 7,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("amount > 30 and not ok", True),
        ("10 < amount <= 31", True),
        ("amount * 2 + 1 - 3 / 3 == 62", True),
        ("-amount % 10", 9),
        ("amount // 2", 15),
        ("who.name == 'ann'", True),
        ("who['teams'][1]", "b"),
        ("'ann' in names and 'eve' not in names", True),
        ("len(names) == max(1, 2)", True),
        ("missing is None", True),
        ("missing.deeper is None", True),
        ("context.get('amount') == 31", True),
        ("ctx.get('missing', 5)", 5),
        ("data['data-1']", 7),
        ("'yes' if ok else 'no'", "no"),
        ("amount in [30, 31]", True),
        ("ok or names", ["ann", "bob"]),
        ("True and ok", False),
    ],
)
def test_an_expression_has_the_value_that_python_gives_it(text: str, value: object) -> None:
    assert Expression(text).value(VALUES) == value


ATTACKS = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "who.__class__",
    "who._private",
    "__builtins__",
    "open('/etc/passwd')",
    "eval('1')",
    "context.set('amount', 1)",
    "context.get.__self__",
    "names.append(1)",
    "'{0.__class__}'.format(who)",
    "f'{who}'",
    "(lambda: 1)()",
    "[x for x in names]",
    "{x: 1 for x in names}",
    "(amount := 5)",
    "amount ** 99999999",
    "1 << 999999999",
    "names[0:1]",
    "print(*names)",
    "len(obj=names)",
    "max(key=len)",
    "await amount",
    "b'bytes' == who",
    "...",
    "1j",
    "amount; 1",
    "amount\nimport os",
    "amount =",
    "",
    "   ",
    "a" * 501,
    "[" * 100 + "1" + "]" * 100,
    "not " * 120 + "ok",
    "-" * 400 + "1",
    "context.get()",
    "context.get(1, 2, 3)",
    "sum(names)",
    "getattr(who, 'name')",
]


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: text[:30])
def test_what_a_condition_must_not_do_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"^(The|A) condition"):
        Expression(text)


def test_parts_of_the_syntax_have_the_names_that_authors_know() -> None:
    with pytest.raises(DefinitionError, match="it contains an f-string, which conditions can't"):
        Expression("f'{who}'")
    with pytest.raises(DefinitionError, match="it contains a comprehension"):
        Expression("[x for x in names]")


@pytest.mark.parametrize("given", [None, 3, ["amount"], {"amount": 1}])
def test_a_condition_is_a_text(given: object) -> None:
    with pytest.raises(DefinitionError, match="must be a non-empty string"):
        Expression(given)


@pytest.mark.parametrize(
    "text",
    [
        "'a' * 1000000000",
        "names * 1000000000",
        "'%s' % who",
        "'a' + 'b'",
        "amount / 0",
        "missing > 3",
        "names[7]",
        "who < names",
        "len(amount)",
        "amount % 0",
        "-names",
        "1 in amount",
    ],
)
def test_what_can_not_be_computed_is_an_error_in_words(text: str) -> None:
    with pytest.raises(ConditionError, match="can't be evaluated"):
        Expression(text).value(VALUES)


def test_a_template_is_filled_with_values_and_nothing_else() -> None:
    text = "{amount} € for {who.name}, {missing}{who.__class__}{0}{amount!r} {}"

    assert filled(text, VALUES) == "31 € for ann, {0}{amount!r} {}"
