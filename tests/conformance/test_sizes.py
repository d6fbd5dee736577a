"""Sizes: what is too large is refused in words at the call, and never on a replay."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from django.conf import settings

from procedures.engine.errors import AnswerError
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.journal.large import place_of
from procedures.engine.kinds.action import Action
from procedures.engine.values.sizes import USUAL_SIZES, Sizes
from procedures.services import SignalRefusedError
from tests import procedures
from tests.conformance.backends import Backend, MemoryBackend, answer, result_of

TOO_MUCH = [
    ("prompt", USUAL_SIZES.prompt, "The prompt has {:,} characters; the limit is {:,}"),
    ("prompt", 2_400_000, "The prompt has 2,400,000 characters; the limit is 1,000"),
    ("problem", USUAL_SIZES.prompt, "The prompt has {:,} characters"),
    ("seed", USUAL_SIZES.prompt, "The prompt has {:,} characters"),
    ("label", USUAL_SIZES.label, "A label has {:,} characters; the limit is {:,}"),
    ("option", USUAL_SIZES.label, "A label has {:,} characters; the limit is {:,}"),
    ("options", USUAL_SIZES.options, "{:,} options or fields; the limit is {:,}"),
    ("fields", USUAL_SIZES.options, "a new form would have more than {1:,} fields and rows"),
    ("body", USUAL_SIZES.body, "The body has {:,} characters; the limit is {:,}"),
    ("draft", USUAL_SIZES.draft, "The draft has {:,} characters; the limit is {:,}"),
    ("evidence", USUAL_SIZES.evidence, "characters of JSON; the limit is 262,144"),
    ("depth", USUAL_SIZES.depth, "The evidence is nested {:,} levels deep; the limit is {:,}"),
    ("depth", 900, "It is nested too deeply"),
    ("notice", USUAL_SIZES.notice, "this notice has {:,} characters; the limit is {:,}"),
    ("alert", USUAL_SIZES.notice, "this notice has {:,} characters; the limit is {:,}"),
    ("log", USUAL_SIZES.notice, "this log line has {:,} characters; the limit is {:,}"),
    ("progress", USUAL_SIZES.notice, "this progress has {:,} characters; the limit is {:,}"),
    ("stage", USUAL_SIZES.stage, "this stage has {:,} characters; the limit is {:,}"),
    ("signal", USUAL_SIZES.signal, "characters of JSON; the limit is 262,144"),
]


def allow(backend: Backend, sizes: Sizes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the site take so much from now on."""
    if isinstance(backend, MemoryBackend):
        backend.store.sizes = sizes
    changed = {**settings.COUNTERSIGN, "SIZES": asdict(sizes)}
    monkeypatch.setattr(settings, "COUNTERSIGN", changed)


@pytest.mark.parametrize(("how", "most", "words"), TOO_MUCH)
def test_what_is_too_large_is_refused_at_the_call(
    backend: Backend, how: str, most: int, words: str
) -> None:
    length = most if most in {2_400_000, 900} else most + 1
    run_id = backend.start(procedures.says_much, how=how, length=length)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id)
    assert error
    assert words.format(length, most) in error["message"]
    assert len(error["message"]) < 600
    kinds = {event.kind for event in backend.events(run_id)}
    assert kinds == {EventKind.RUN_STARTED, EventKind.RUN_FAILED}
    assert sum(len(event.data) for event in backend.events(run_id)) < 20_000


@pytest.mark.parametrize("how", sorted({how for how, _, _ in TOO_MUCH} - {"evidence", "signal"}))
def test_what_is_as_large_as_it_may_be_is_taken(backend: Backend, how: str) -> None:
    most = {how: most for how, most, _ in reversed(TOO_MUCH)}[how]
    run_id = backend.start(procedures.says_much, how=how, length=most)

    assert backend.advance(run_id) == RunStatus.WAITING


@pytest.mark.parametrize("how", ["prompt", "label", "options", "draft", "log", "stage"])
def test_a_caught_refusal_replays(backend: Backend, how: str) -> None:
    run_id = backend.start(procedures.says_less_then, how=how, length=200_001)

    while backend.advance(run_id) == RunStatus.WAITING:
        [key] = backend.open_waits(run_id)
        value: Any = {"options": "option 0", "draft": {"decision": "approved"}}.get(how, True)
        assert answer(backend, run_id, key, True if key == "last" else value)

    assert backend.status(run_id) == RunStatus.SUCCEEDED, backend.error(run_id)
    assert "the limit is" in result_of(backend, run_id)


@pytest.mark.parametrize("how", ["prompt", "body", "draft", "log", "stage", "signal"])
def test_lower_limits_refuse_nothing_that_is_kept(
    backend: Backend, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = backend.start(procedures.says_much, how=how, length=190)
    assert backend.advance(run_id) == RunStatus.WAITING
    low = replace(USUAL_SIZES, prompt=20, body=2, draft=2, notice=2, stage=2, signal=2)
    allow(backend, low, monkeypatch)

    while backend.status(run_id) == RunStatus.WAITING:
        [key] = backend.open_waits(run_id)
        if how == "signal" and key == "paid":
            backend.signal(run_id, "paid", 1, "s-1")
        else:
            answer(backend, run_id, key, {"decision": "approved"} if key == "review" else True)
        backend.advance(run_id)

    assert backend.status(run_id) == RunStatus.SUCCEEDED, backend.error(run_id)


def test_a_proposal_that_does_not_fit_is_refused_at_the_call_and_never_on_a_replay(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, asked = (backend.start(procedures.packed_as_proposed, parcels="5") for _ in range(2))
    assert backend.advance(refused) == RunStatus.FAILED
    with monkeypatch.context() as before_the_rule:
        before_the_rule.setattr(Action, "check_asked", lambda *_: None)
        assert backend.advance(asked) == RunStatus.WAITING

    [key] = backend.open_waits(asked)
    answer(backend, asked, key, {"decision": "rejected"})

    assert backend.advance(asked) == RunStatus.SUCCEEDED, backend.error(asked)
    error = backend.error(refused)
    assert error
    assert "the proposed value of 'parcels' doesn't fit its schema" in error["message"]


def test_a_higher_limit_lets_a_retried_run_ask(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = backend.start(procedures.says_much, how="prompt", length=1_500)
    assert backend.advance(run_id) == RunStatus.FAILED
    allow(backend, replace(USUAL_SIZES, prompt=1_500), monkeypatch)

    backend.retry(run_id)

    assert backend.advance(run_id) == RunStatus.WAITING


def test_what_a_step_says_is_cut_and_says_so(backend: Backend) -> None:
    run_id = backend.start(procedures.tells_much, length=25_000)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    [text] = [one.content["text"] for one in backend.events(run_id) if one.kind == "notice"]
    assert text == "a" * 10_000 + "… (15,000 more characters)"


def test_a_signal_has_a_size(backend: Backend) -> None:
    run_id = backend.start(procedures.two_payments)
    backend.advance(run_id)

    with pytest.raises((AnswerError, SignalRefusedError), match=r"262,145 .*the limit is 262,144"):
        backend.signal(run_id, "other", "a" * (256 * 1024 - 1), "s-1")

    assert backend.signal(run_id, "other", "a" * (256 * 1024 - 2), "s-1")


# Inputs and results, kept as what steps return is


def test_large_inputs_and_results_lie_beside_their_rows(backend: Backend) -> None:
    text = "ä" * 70_000
    run_id = backend.start(procedures.returns_much, text=text, length=80_000)

    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED, backend.error(run_id)

    kept = backend.result(run_id) or ""
    assert kept.startswith("sha256:")
    assert place_of(kept) == (kept[7:71], 2 * 70_000 + 80_000 + 2)
    assert max(len(event.data) for event in backend.events(run_id)) < 2_000


def test_a_child_takes_large_inputs_and_gives_a_large_result(backend: Backend) -> None:
    run_id = backend.start(procedures.hands_on, text="b" * 90_000)

    backend.advance_all()

    assert result_of(backend, run_id) == 90_000
    [child] = backend.children(run_id)
    assert (backend.result(child) or "").startswith("sha256:")
    assert max(len(event.data) for event in backend.events(run_id)) < 2_000


def test_a_fork_has_the_large_inputs_of_its_origin(backend: Backend) -> None:
    run_id = backend.start(procedures.returns_much, text="c" * 70_000, length=3)
    backend.advance(run_id)

    fork = backend.fork(run_id, "returned", length=4)
    backend.advance(fork)
    answer(backend, fork, "approve")

    assert backend.advance(fork) == RunStatus.SUCCEEDED, backend.error(fork)
    assert place_of(backend.result(fork)) == ((backend.result(fork) or "")[7:71], 70_006)
