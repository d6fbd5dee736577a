"""Conditions as texts: a small part of Python's expressions, checked before a run begins."""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procedures.engine import DefinitionError, PublicError

LONGEST = 500
"""The maximum number of characters in an expression."""
MOST_LEVELS = 40
LARGEST_WHOLE = 1e15
DATA = ("context", "ctx", "data")
"""The names that mean all values of a run in an expression, as in `context.get('amount', 0)`."""
OTHERWISE = "otherwise"
"""The condition of an edge that is taken if no condition of the step's other edges holds."""
PLACE = re.compile(r"\{([^\W\d]\w*(?:\.[^\W\d]\w*)*)\}")
COMPARISONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
SIGNS: Mapping[type, Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {"abs": abs, "len": len, "max": max, "min": min}
ALLOWED = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Compare, ast.BinOp, ast.IfExp),
    *(ast.Name, ast.Load, ast.Constant, ast.Attribute, ast.Subscript, ast.Call),
    *(ast.List, ast.Tuple, *COMPARISONS, *ARITHMETIC, *SIGNS),
)
KEPT = str | int | float | bool | None


class ConditionError(PublicError):
    """A condition couldn't be evaluated with the values of a run."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"The condition {text!r} can't be evaluated: {why}.")


class Expression:
    """A condition or a value as a text.

    The text can read values, compare them and calculate with numbers. Raises `DefinitionError` for
    a text that does anything else.
    """

    def __init__(self, text: object) -> None:
        self.text = _checked_text(text)
        self._tree = _parsed(self.text)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return the value of the expression. A name that isn't among `values` has the value None.

        Raises `ConditionError` for values that can't be compared or used in a calculation.
        """
        try:
            return _Evaluation(values).of(self._tree)
        except (TypeError, ArithmeticError, LookupError, ValueError) as error:
            raise ConditionError(
                self.text, str(error).rstrip(".") or type(error).__name__
            ) from None


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Return the text with values in place of each `{name}` and `{name.part}`."""
    return PLACE.sub(lambda found: _shown(_at(values, found[1].split("."))), template)


def _at(values: Any, path: Sequence[str]) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def _shown(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return "" if value is None else str(value)


def _checked_text(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise DefinitionError(f"A condition must be a non-empty string, not {text!r:.100}.")
    if len(text) > LONGEST:
        raise DefinitionError(
            f"The condition {text:.40}… has more than {LONGEST} characters. Compute it in a step."
        )
    return text.strip()


def _parsed(text: str) -> ast.expr:
    try:
        tree = ast.parse(text, mode="eval")
    # Parsers of deeply nested texts raise the latter two.
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = getattr(error, "msg", "") or "it is nested too deeply"
        raise DefinitionError(f"The condition {text!r} can't be read: {why}.") from None
    if _levels_of(tree) > MOST_LEVELS:
        raise DefinitionError(f"The condition {text!r} is nested too deeply.")
    for part in ast.walk(tree):
        if why := _fault_of(part):
            raise DefinitionError(f"The condition {text!r} can't be used: {why}.")
    return tree.body


def _levels_of(tree: ast.AST) -> int:
    levels, level = 0, [tree]
    while level:
        level = [inner for part in level for inner in ast.iter_child_nodes(part)]
        levels += 1
    return levels


WORDS = {
    **dict.fromkeys(("ListComp", "SetComp", "DictComp", "GeneratorExp"), "a comprehension"),
    "JoinedStr": "an f-string",
    "NamedExpr": "an assignment",
    "Pow": "**",
    "LShift": "<<",
    "RShift": ">>",
    "Slice": "a slice",
    "Starred": "*",
    "Lambda": "a lambda",
    "Await": "await",
}
"""The words for parts of Python's syntax, keyed by the names of their classes in `ast`."""


def _fault_of(part: ast.AST) -> str:
    """Return a phrase that says why a condition can't contain this part of its syntax, or ""."""
    match part:
        case ast.Call():
            return _fault_of_call(part)
        case ast.Attribute(attr=name) if name.startswith("_"):
            return f"the name {name} begins with an underscore"
        case ast.Name(id=name) if name.startswith("__"):
            return f"the name {name} begins with two underscores"
        case ast.Constant(value=value) if not isinstance(value, KEPT):
            return f"{value!r} isn't a string, a number, True, False or None"
        case _ if not isinstance(part, ALLOWED):
            kind = type(part).__name__
            return f"it contains {WORDS.get(kind, kind)}, which conditions can't contain"
    return ""


def _fault_of_call(call: ast.Call) -> str:
    if call.keywords:
        return "its calls can't have named arguments"
    match call.func:
        case ast.Name(id=name) if name in FUNCTIONS:
            return ""
        case ast.Attribute(value=ast.Name(id=name), attr="get") if name in DATA:
            is_known = call.args and len(call.args) <= 2  # noqa: PLR2004 (a name and a default)
            return "" if is_known else f"{name}.get takes a name and a default"
    return f"it can call only {', '.join(FUNCTIONS)} and context.get"


class _Evaluation:
    """One evaluation of an expression with the values of a run."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def of(self, part: ast.AST) -> Any:
        evaluate: Callable[[Any], Any] = getattr(self, f"_{type(part).__name__.lower()}")
        return evaluate(part)

    def _constant(self, part: ast.Constant) -> Any:
        return part.value

    def _name(self, part: ast.Name) -> Any:
        if part.id in DATA and part.id not in self._values:
            return self._values
        return self._values.get(part.id)

    def _list(self, part: ast.List) -> Any:
        return [self.of(one) for one in part.elts]

    _tuple = _list

    def _attribute(self, part: ast.Attribute) -> Any:
        return _at(self.of(part.value), [part.attr])

    def _subscript(self, part: ast.Subscript) -> Any:
        of, at = self.of(part.value), self.of(part.slice)
        if isinstance(of, Mapping):
            return of.get(at)
        if isinstance(of, str | Sequence):
            return of[at]
        return None

    def _call(self, part: ast.Call) -> Any:
        given = [self.of(one) for one in part.args]
        if isinstance(part.func, ast.Attribute):
            return self._values.get(*given)
        assert isinstance(part.func, ast.Name)
        return FUNCTIONS[part.func.id](*given)

    def _boolop(self, part: ast.BoolOp) -> Any:
        is_and, value = isinstance(part.op, ast.And), None
        for one in part.values:
            value = self.of(one)
            if bool(value) != is_and:
                return value
        return value

    def _unaryop(self, part: ast.UnaryOp) -> Any:
        return SIGNS[type(part.op)](self.of(part.operand))

    def _binop(self, part: ast.BinOp) -> Any:
        sides = self.of(part.left), self.of(part.right)
        # Only numbers: a string times a number would let a short condition fill the memory.
        if not all(isinstance(side, int | float) for side in sides):
            raise TypeError(
                f"it can calculate only with numbers, not {sides[0]!r:.50} and {sides[1]!r:.50}"
            )
        return ARITHMETIC[type(part.op)](*sides)

    def _compare(self, part: ast.Compare) -> Any:
        left = self.of(part.left)
        for how, one in zip(part.ops, part.comparators, strict=True):
            right = self.of(one)
            if not COMPARISONS[type(how)](left, right):
                return False
            left = right
        return True

    def _ifexp(self, part: ast.IfExp) -> Any:
        return self.of(part.body if self.of(part.test) else part.orelse)
