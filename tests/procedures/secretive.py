"""Procedures with a secret at hand."""

from pydantic import BaseModel, SecretStr

from procedures.engine import Context, procedure

WORD = "hunter2-that-nobody-reads"


class Account(BaseModel):
    name: str
    password: SecretStr


def sign_in(account: Account) -> None:
    Account.model_validate({"account": account.password.get_secret_value()})


@procedure
def signs_in(ctx: Context) -> None:
    account = Account(name="ann", password=SecretStr(WORD))
    ctx.log(f"As {account}.")
    ctx.notify(f"With {account.password}.")
    ctx.alert(f"As {account!r}.", level="error")
    ctx.approve("Sign in?", evidence={"step": "sign_in", "account": account})
    ctx.step(sign_in, account)


def log_in() -> None:
    raise ConnectionError(f"ann refused: password={WORD}")


@procedure
def fails_with_secret(ctx: Context) -> None:
    ctx.step(log_in)
