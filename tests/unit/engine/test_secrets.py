"""Secrets: what would keep one is refused, what shows one shows it masked."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr, field_serializer
from pydantic.types import Secret
from typing_extensions import TypedDict

from procedures.engine import Context, Procedure, StepFailedError, procedure
from procedures.engine.declaration.signatures import signature_of
from procedures.engine.errors import DefinitionError, QuestionError
from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import message, run_through

WORD = "hunter2"
PASSWORD = SecretStr(WORD)


class Account(BaseModel):
    name: str
    password: SecretStr


class Told(BaseModel):
    """Says what it should not."""

    password: SecretStr

    @field_serializer("password")
    def say(self, password: SecretStr) -> str:
        return password.get_secret_value()


@dataclass
class Login:
    account: Account | None = None


class Key(TypedDict):
    key: SecretBytes


class Token(SecretStr):
    """A site's own."""


TYPES = [
    SecretStr,
    SecretBytes,
    Secret[int],
    Token,
    SecretStr | None,
    Annotated[SecretStr, Field(min_length=3)],
    Annotated[SecretStr, {"without": "a hash"}],
    list[SecretStr],
    dict[str, list[Account]],
    tuple[int, Login],
    Told,
    Key,
]
typed = pytest.mark.parametrize("hint", TYPES, ids=range(len(TYPES)))


def annotated(name: str, hint: Any) -> Callable[..., Any]:
    """A function that takes or returns it."""

    def fn(ctx: Any, given: Any = None) -> Any:
        return given

    fn.__annotations__ = {"given": Any, name: hint}
    return fn


@typed
def test_a_secret_is_no_input_and_no_result(hint: Any) -> None:
    with pytest.raises(DefinitionError, match=r"the input given contains a secret.*SiteChoice"):
        procedure(annotated("given", hint))
    with pytest.raises(DefinitionError, match="its result contains a secret"):
        procedure(annotated("return", hint))
    with pytest.raises(DefinitionError, match="result of fn can't be stored: it is a secret"):
        signature_of(annotated("return", hint))


@typed
def test_nobody_sends_a_secret(hint: Any) -> None:
    @procedure
    def waits(ctx: Context) -> None:
        with pytest.raises(QuestionError, match="can't be a secret, because it is stored"):
            ctx.signal("key", hint)

    assert run_through(MemoryStore(), waits).status == RunStatus.SUCCEEDED


@procedure
def asks(ctx: Context) -> None:
    for hint in (SecretStr, SecretBytes):
        with pytest.raises(QuestionError):
            ctx.ask("Which?", hint)
    for model in (Account, Login, Told, Key):
        with pytest.raises(QuestionError):
            ctx.form("Which?", model)


def test_nobody_is_asked_for_a_secret() -> None:
    assert run_through(MemoryStore(), asks).status == RunStatus.SUCCEEDED


@procedure
def child(ctx: Context, given: Any) -> None: ...


def give_back(value: Any) -> Any:
    return value


WAYS: dict[str, Callable[[Context, Any], Any]] = {
    "a result": lambda _, secret: secret,
    "a step's result": lambda ctx, secret: ctx.step(give_back, secret),
    "state": lambda ctx, secret: ctx.state.update(kept=secret),
    "what is appended": lambda ctx, secret: ctx.state.append("kept", secret),
    "a draft": lambda ctx, secret: ctx.review("Fine?", [secret]),
    "a default": lambda ctx, secret: ctx.ask("What?", expires="1h", default=secret),
    "a child's input": lambda ctx, secret: ctx.call(child, given=secret),
    "a map's input": lambda ctx, secret: ctx.map(child, [{"given": secret}]),
}
SECRETS = [PASSWORD, {"a": [PASSWORD]}, Account(name="ann", password=PASSWORD)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", SECRETS, ids=["bare", "nested", "model"])
def test_what_no_type_told_is_refused_when_it_comes(way: str, secret: Any) -> None:
    @procedure
    def leaking(ctx: Context) -> Any:
        return WAYS[way](ctx, secret)

    store = MemoryStore()
    run = run_through(store, leaking)

    assert run.status == RunStatus.FAILED
    assert "contains a secret" in message(run)
    assert WORD not in repr(store.runs)


STARS = "*" * 10


@pytest.mark.parametrize("way", ["a result", "a step's result", "state"])
@pytest.mark.parametrize(
    "text",
    [STARS, {"a": [STARS]}, {STARS: STARS}, f'"{STARS}"'],
    ids=["bare", "in", "key", "quoted"],
)
def test_a_text_of_asterisks_is_a_text(way: str, text: Any) -> None:
    @procedure
    def telling(ctx: Context) -> Any:
        WAYS[way](ctx, text)
        return text

    run = run_through(MemoryStore(), telling)

    assert run.status == RunStatus.SUCCEEDED, message(run)
    assert child.parse({"given": text}) == {"given": text}


@pytest.mark.parametrize(
    "value",
    [
        Secret[int](7),
        SecretBytes(b"x"),
        {PASSWORD},
        (1, [Login(Account(name="a", password=PASSWORD))]),
        deque([PASSWORD]),
    ],
    ids=["number", "bytes", "set", "dataclass", "deque"],
)
def test_a_secret_is_found_wherever_it_is_held(value: Any) -> None:
    @procedure
    def leaking(ctx: Context) -> Any:
        return value

    run = run_through(MemoryStore(), leaking)

    assert run.status == RunStatus.FAILED
    assert "contains a secret" in message(run)


def sign_in(account: Account) -> None:
    raise ConnectionError(f"{account} was not let in: {account!r}.")


def read_wrongly(account: Account) -> None:
    Account.model_validate({"account": account.password.get_secret_value()})


@pytest.mark.parametrize("step", [sign_in, read_wrongly])
def test_what_is_shown_is_masked(step: Callable[[Account], None]) -> None:
    @procedure
    def careful(ctx: Context) -> None:
        account = Account(name="ann", password=PASSWORD)
        ctx.log(f"As {account}, {PASSWORD!r}")
        ctx.notify(f"With {PASSWORD}")
        ctx.stage(f"{PASSWORD}")
        ctx.approve("Sign in?", evidence={"step": step.__name__, "account": account})
        ctx.approve("Surely?", evidence={"passwords": [PASSWORD]}, name="surely")
        try:
            ctx.step(step, account)
        except StepFailedError as error:
            raise ValueError(f"No: {error}") from error

    store = MemoryStore()
    run = run_through(store, careful)

    assert run.status == RunStatus.FAILED
    assert WORD not in repr(store.runs)
    assert "**********" in repr(run.events)


def test_of_what_was_not_valid_the_fault_is_kept_and_not_the_value() -> None:
    @procedure
    def reading(ctx: Context) -> None:
        Account.model_validate({"account": WORD})

    run = run_through(MemoryStore(), reading)

    assert "Field required [type=missing]" in message(run)


def test_a_procedure_of_types_that_stand_further_down_is_refused_later() -> None:
    late = procedure(annotated("given", "LaterType"))
    assert isinstance(late, Procedure)
    late.fn.__globals__["LaterType"] = SecretStr

    with pytest.raises(DefinitionError, match="contains a secret"):
        late.parse({"given": WORD})
