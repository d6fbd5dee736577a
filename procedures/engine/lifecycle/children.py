"""Child runs: how a parent starts them, and how it takes in their results once they have ended."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from procedures.engine.declaration.subjects import subject_of
from procedures.engine.journal.events import NewEvent, RunStatus, closing
from procedures.engine.journal.large import field_from_row, packed, part_of, put_aside, unpacked
from procedures.engine.lifecycle.cancel import cancel_children
from procedures.engine.lifecycle.start import begin_run
from procedures.engine.lifecycle.waits import answer_wait
from procedures.engine.store import InputRow, RunRow, Store, WaitRow

CHILD_ENDED = "child.ended"
"""The kind of a report to a parent that says how one of its children has ended."""
COUNTS = ("begun", "ended", "is_behind")
MOST_BEGUN = 100
"""The maximum number of children that one transaction inserts.

A transaction with more children could take longer than a worker's lease.
"""
NOTHING = ["cancelled", None, "The child run was no longer needed."]


def begin_children(store: Store, run: RunRow, wait: WaitRow, content: Mapping[str, Any]) -> None:
    """Insert the child run that a run waits for or, for a map, the first child runs.

    `content` is the content of the event, and `wait` the wait that the event has opened.
    """
    if wait.kind == "child":
        with store.use_files():
            inputs = unpacked(content, "inputs")
        _insert(store, run, wait, content, inputs=[inputs])
    elif not content["count"]:
        _close_map(store, run, wait)
    else:
        _begin_next(store, run, wait)
        if wait.is_behind:
            run_id, key = run.pk, wait.key
            store.after_commit(lambda store: begin_more(store, run_id, key))


def begin_more(store: Store, run_id: Any, key: str) -> bool:
    """Insert the next children of a map, in a transaction of their own.

    Returns True if the map has further children to insert now, so that another call is needed.
    Locks the run, which is the parent.
    """
    run = store.lock_run(run_id)
    wait = store.latest_wait(run, key)
    if wait is None or not (wait.is_open and wait.is_behind):
        return False
    _begin_next(store, run, wait)
    return wait.is_behind


def report_to_parent(store: Store, child: RunRow) -> None:
    """Store a report for the child's parent that says how the child has ended.

    After the commit, another transaction locks the parent and takes in the results of its children.
    """
    wait = child.parent_wait
    if wait is None:
        return
    with store.use_files():
        content = _end_of(store, child)
    parent, number = wait.run_id, str(child.parent_number)
    # The insert locks nothing. If a child locked its parent, and a cancel from above locked the
    # child, the two would wait for each other.
    store.put_input(parent, NewEvent(CHILD_ENDED, wait.key, number, content), wait=wait)
    store.after_commit(lambda store: collect_child_results(store, parent))


def _end_of(store: Store, child: RunRow) -> dict[str, Any]:
    message = str(store.error_of(child).get("message", ""))
    content = closing(child.status, responder="system: child", comment=message)
    return content | field_from_row("value", child.result)


def collect_child_results(store: Store, run_id: Any) -> bool:
    """Lock a run and take in the results of its ended children; a second call changes nothing.

    Returns False, because no further call is needed.
    """
    settle(store, store.lock_run(run_id))
    return False


def settle(store: Store, run: RunRow) -> None:
    """Take in all results of ended children that were sent to the run, which the caller has locked.

    This counts the ended children of each map, closes the waits that are over, and begins the next
    children of the maps that are not.
    """
    ends = store.inputs(run, CHILD_ENDED)
    if not ends:
        return
    # Group by key: each input has loaded an object of its own for the same wait, but a map's counts
    # must change in one of them.
    waits = {end.wait.opened_seq: end.wait for end in ends if end.wait and end.wait.is_open}
    news = [(wait, [end for end in ends if _is_of(end, wait)]) for wait in waits.values()]
    maps = [(wait, ended) for wait, ended in news if wait.kind == "map"]
    for wait, ended in maps:
        wait.ended += _newly_ended(store, wait, ended)
    # Mark the reports for closed waits, too; otherwise each later claim would read them again.
    store.note_brought(run, ends)
    over = [wait.key for wait, ended in maps if _is_over(wait, ended)]
    if over:
        # Lock before any wait is closed: closing a question locks its session, which must be the
        # last lock.
        store.lock_below(run, over)
    for wait, ended in news:
        if wait.kind == "child":
            answer_wait(store, run, wait, ended[0].content)
        elif wait.key in over:
            _close_map(store, run, wait)
        else:
            _begin_next(store, run, wait)


def _is_of(end: InputRow, wait: WaitRow) -> bool:
    return end.wait is not None and end.wait.opened_seq == wait.opened_seq


def wait_again(store: Store, run: RunRow, wait: WaitRow, lost: Iterable[RunRow]) -> None:
    """Open a wait again, because its child run or a child run of its map has failed.

    The results of the other children still count. `lost` are children of a map that can't continue;
    a new child is started in place of each. The caller has locked the run.
    """
    store.reopen_wait(run, wait)
    if wait.kind == "child":
        for child in store.children(wait):
            if child.status == RunStatus.SUCCEEDED:
                report_to_parent(store, child)
        return
    done, left = store.numbers_of(wait, RunStatus.SUCCEEDED)
    # Count again, because the earlier count includes failed children that now continue.
    wait.ended = len(done)
    store.set_aside(run, list(store.ends_of(wait, [str(number) for number in left])))
    store.save(wait, *COUNTS)
    for child in lost:
        number = child.parent_number
        _begin_numbers(store, run, wait, number, number + 1)
    if wait.ended == wait.opening()["count"]:
        _close_map(store, run, wait)
    else:
        _begin_next(store, run, wait)  # the child that was running last may have its result by now


def _newly_ended(store: Store, wait: WaitRow, news: Sequence[InputRow]) -> int:
    """Return how many children in `news` have ended for the first time.

    `news` are reports of ended children. If a failed child was retried, its second end doesn't
    count.
    """
    come = Counter(end.name for end in news)
    known = Counter(end.name for end in store.ends_of(wait, come))
    # If all known reports at a position are among the new ones, none of them was counted before.
    return sum(known[name] == count for name, count in come.items())


def _is_over(wait: WaitRow, news: Sequence[InputRow]) -> bool:
    """Return True if all children of a map have ended, or if one failed in a "fail_fast" map."""
    content = wait.opening()
    has_failed = any(end.content["outcome"] != RunStatus.SUCCEEDED for end in news)
    is_lost = has_failed and content["on_failure"] == "fail_fast"
    return is_lost or bool(wait.ended == content["count"])


def _begin_next(store: Store, run: RunRow, wait: WaitRow) -> None:
    """Insert as many children of a map as its `at_most` allows now, but at most MOST_BEGUN."""
    content = wait.opening()
    due = min(wait.ended + content["at_most"], content["count"])
    stop = min(due, wait.begun + MOST_BEGUN)
    if wait.begun < stop:
        _begin_numbers(store, run, wait, wait.begun, stop)
    wait.begun, wait.is_behind = stop, stop < due
    store.save(wait, *COUNTS)


def _begin_numbers(store: Store, run: RunRow, wait: WaitRow, start: int, stop: int) -> None:
    content = wait.opening()
    with store.use_files():
        inputs = part_of(content, "inputs", start, stop)
    _insert(store, run, wait, content, inputs=inputs, start=start)


def _insert(
    store: Store,
    run: RunRow,
    wait: WaitRow,
    content: Mapping[str, Any],
    *,
    inputs: Sequence[str],
    start: int = 0,
) -> None:
    """Insert a queued child run for each item of `inputs`.

    An item is the JSON of one child's inputs. The child also gets those files of its parent that
    its inputs refer to.
    """
    run_id = content["run"] if wait.kind == "child" else ""
    code, files = store.code_for(run, content["procedure"]), store.files_of(run)
    for number, text in enumerate(inputs, start=start):
        with store.use_files():
            kept = put_aside(text)
        child = store.new_child(run, wait, code, number, inputs=kept, run_id=run_id)
        child.subject = subject_of(code.subject, text)
        begin_run(store, child, files=[file for file in files if file.digest in text])


def _close_map(store: Store, run: RunRow, wait: WaitRow) -> None:
    ends = {int(end.name): end.content for end in store.ends_of(wait)}
    with store.use_files():
        results = [_result(ends.get(number)) for number in range(wait.opening()["count"])]
        content = closing("finished", responder="system: children") | packed("value", results)
    answer_wait(store, run, wait, content)
    cancel_children(store, wait)


def _result(end: Mapping[str, Any] | None) -> list[Any]:
    return [end["outcome"], unpacked(end, "value"), end["comment"]] if end else NOTHING
