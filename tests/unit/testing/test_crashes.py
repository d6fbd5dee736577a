"""The findings of a crash test, and the faults that it lets pass."""

from collections import Counter
from typing import Any

import pytest

from procedures.engine import Context, Procedure, Retry, Step, procedure
from procedures.testing import (
    CrashTestError,
    RehearsedRun,
    approve_all,
    crash_test,
    everything,
    script,
)
from procedures.testing.crashes import MortalJournal

bank: Counter[str] = Counter()
seen: list[str] = []


def pay(step: Step) -> str:
    bank[step.idempotency_key] = 31
    return "paid"


def pay_again() -> str:
    bank["payments"] += 1
    return "paid"


def look() -> int:
    return len(seen)


@procedure
def careful(ctx: Context) -> list[str]:
    ctx.state["count"] = ctx.state.get("count", 0) + 1
    ctx.notify("Now it is paid.")
    first = ctx.step(pay)
    said = ctx.approve("Again?")
    ctx.sleep("1h")
    return [first, said.responder, ctx.step(pay), str(ctx.state["count"])]


def pay_at_last(step: Step) -> str:
    bank["tries"] += 1
    if bank["tries"] == 1:
        raise ConnectionError("503")
    return "paid at last"


@procedure
def shaky(ctx: Context) -> str:
    ctx.step(look, once=True)
    return ctx.step(pay_at_last, retry=Retry(3, "2s", jitter=0.5))


@procedure
def careless(ctx: Context) -> str:
    return ctx.step(pay_again)


@procedure
def forgetful(ctx: Context) -> int:
    seen.append("again")
    ctx.step(pay_again)
    return len(seen)


@procedure
def twofold(ctx: Context) -> list[Any]:
    return ctx.map(careful, [{}, {}])


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    forget()


def with_bank(run: RehearsedRun) -> dict[str, object]:
    return everything(run) | {"bank": dict(bank)}


def forget() -> None:
    bank.clear()
    seen.clear()


@pytest.mark.parametrize("steady", [careful, twofold])
def test_a_careful_procedure_comes_out_the_same_wherever_it_is_killed(steady: Procedure) -> None:
    report = crash_test(steady, humans=approve_all, fresh=forget, outcome=with_bank)

    assert report.undisturbed.status == "succeeded"
    assert report.kills == 2 * len(report.commits) > 8
    assert any("step.succeeded pay" in commit for commit in report.commits)
    assert "the same outcome each time" in str(report)


def test_an_effect_without_its_idempotency_key_is_found() -> None:
    told = r"the bank .*1.*, but got .*2.*killed before the commit of step.succeeded pay_again"
    with pytest.raises(CrashTestError, match=told):
        crash_test(careless, fresh=forget, outcome=with_bank)


def test_what_failed_once_and_what_operators_settle_is_no_other_outcome() -> None:
    people = script({"*": "repeat"})
    assert crash_test(shaky, humans=people, fresh=forget).undisturbed.result == "paid at last"


def test_only_what_is_looked_at_must_come_out_the_same() -> None:
    assert crash_test(careless, outcome=lambda run: run.status).kills == 4
    with pytest.raises(CrashTestError, match=r"Expected the outcome 1, but got 2"):
        crash_test(careless, fresh=forget, outcome=lambda _: bank["payments"])


def test_work_outside_of_steps_is_found() -> None:
    with pytest.raises(CrashTestError, match="Expected the result 1, but got 2"):
        crash_test(forgetful, fresh=forget)


def test_a_procedure_that_goes_another_way_each_time_is_found() -> None:
    @procedure
    def fickle(ctx: Context) -> None:
        if bank["lives"] == 1:
            ctx.sleep("1s")

    with pytest.raises(CrashTestError, match="took another path"):
        crash_test(fickle, fresh=lambda: bank.update(lives=1))


def test_a_kept_step_that_runs_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine behaves as if it forgot a step that it has kept."""

    def forgetful_load(self: MortalJournal) -> Any:
        events = self.row.events
        return [event for event in events if event.key != "pay"]

    monkeypatch.setattr(MortalJournal, "load", forgetful_load)
    with pytest.raises(CrashTestError, match="with a stored result ran again: pay"):
        crash_test(careful, humans=approve_all, fresh=forget)
