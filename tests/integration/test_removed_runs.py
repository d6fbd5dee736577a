"""Records that are old enough are removed whole; a tombstone and a line are left of them."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from chat.models import FeedEntry, Message, Notification, Session
from chat.services import claim_request, post_message, release_request
from chat.services.starts import start_in_session
from procedures import hooks
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore, path_of
from procedures.models import (
    Act,
    Event,
    Installation,
    Procedure,
    RemovalRound,
    Retention,
    Run,
    StaleContent,
    Tombstone,
)
from procedures.models.clock import clock
from procedures.models.event import NAMES_CONTENTS
from procedures.models.ids import uuid7
from procedures.services import ReasonError, restart_run, start_run, verify_journal
from procedures.services.ledger import examine_site
from procedures.services.retention.families import candidates
from procedures.services.retention.holds import HoldRefusedError, place_hold, release_hold
from procedures.services.retention.previews import preview
from procedures.services.retention.reasons import holds_on
from procedures.services.retention.removal import remove_family
from procedures.services.retention.rounds import remove_old_runs
from tests.audited_story import advance_all, carry_on, finish, story
from tests.calls import caller, request_of
from tests.configured import configure
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
DAYS = 30
NOTHING = "Not found, or you don't have access."
REACHES = {"countersign_procedures.Tombstone", "countersign_procedures.Act"}
"""The models whose rows may name a removed run: its tombstone, and the log of what people did."""


def later(days: float) -> None:
    clock.ahead += timedelta(days=days)


def keep(name: str, days: int = DAYS) -> None:
    Retention.objects.update_or_create(
        procedure=Procedure.objects.get(name=name), defaults={"days": days}
    )


def rows_naming(ids: list[UUID]) -> list[str]:
    """Return each field of any table that holds one of the ids, as a key or inside a text."""
    texts = [form for one in ids for form in (str(one), one.hex)]
    found = []
    for model in apps.get_models():
        meta: Any = model._meta  # noqa: SLF001 (Django documents it)
        if meta.proxy or not meta.app_label.startswith("countersign_") or meta.label in REACHES:
            continue
        for field in meta.concrete_fields:
            rows = model._default_manager.order_by()  # noqa: SLF001
            if field.is_relation or isinstance(field, models.UUIDField):
                target: Any = field.target_field if field.is_relation else field
                if isinstance(target, models.UUIDField):
                    found += [meta.label] * rows.filter(**{f"{field.attname}__in": ids}).count()
            elif isinstance(field, models.CharField | models.TextField):
                for text in texts:
                    count = rows.filter(**{f"{field.name}__contains": text}).count()
                    found += [f"{meta.label}.{field.name}"] * count
    return found


def ids_about(run: Run) -> list[UUID]:
    """The run's own id, and those of its requests and messages except its card."""
    messages = Message.objects.filter(run=run).exclude(kind="run").values_list("pk", flat=True)
    requests = run.waits.exclude(request=None).values_list("request", flat=True)
    return [run.pk, *messages, *requests]


def test_a_run_goes_with_all_that_refers_to_it(alice: User, bob: User, dave: User) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    child = Run.objects.get(parent_wait__run=run)
    session = Session.objects.get()
    notice = Message.objects.get(run=run, kind="notice", text__startswith="It begins")
    reply = post_message(session, "To the notice.", by=dave, reply_to=notice)
    post_message(session, "To the reply.", by=dave, reply_to=reply)
    ids = [*ids_about(run), *ids_about(child), reply.pk]
    assert rows_naming(ids)
    keep("audited")

    later(DAYS - 1)
    remove_old_runs()
    assert Run.objects.count() == 2
    later(2)
    remove_old_runs()

    assert not Run.objects.exists()
    assert set(rows_naming(ids)) == {"countersign_chat.RemovedRequest"}
    lines = Message.objects.order_by("seq").values_list("kind", "text", "reply_to")
    assert [kind for kind, *_ in lines] == ["erased", "person", "person"]
    assert [text for _, text, _ in lines][1:] == ["Look at this.", "To the reply."]
    assert [to for *_, to in lines] == [None] * 3
    assert lines[0][1].startswith("The record of this run was removed on ")
    assert lines[0][1].endswith(f"under the retention of {DAYS} days.")
    assert examine_site() == []
    assert Act.objects.get(kind="removal").words == (
        "The records of 2 runs were removed after their retention."
    )
    newest = set(FeedEntry.objects.values_list("newest", flat=True))
    assert newest == {Message.objects.latest("seq").pk}


def test_a_tombstone_keeps_what_the_run_was_and_the_head_of_its_journal(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    child, head = Run.objects.get(parent_wait__run=run), run.head
    keep("audited")
    later(DAYS + 1)
    assert left() == set()

    grave = Tombstone.objects.get(pk=run.pk)
    assert (grave.procedure.name, grave.status, grave.top) == ("audited", "succeeded", run.pk)
    assert (grave.head_seq, grave.head_hash) == (head.seq, head.hash)
    assert Tombstone.objects.get(pk=child.pk).top == run.pk


def old_run(by: User, name: str, **inputs: Any) -> Run:
    """A run that has ended now."""
    run, _ = start_run(name, inputs, by=by)
    carry_on(run)
    assert run.ended_at
    return run


def left() -> set[UUID]:
    remove_old_runs()
    return set(Run.objects.values_list("pk", flat=True))


def test_a_fork_and_its_origin_stay_until_both_are_old(admin_user: User) -> None:
    keep("audited_part")
    first = old_run(admin_user, "audited_part", note="a")
    other = old_run(admin_user, "audited_part", note="b")
    later(DAYS - 1)
    again, _ = restart_run(first.pk, by=admin_user, reason="Again.")
    carry_on(again)

    later(2)
    assert left() == {first.pk, again.pk}
    assert [verify_journal(run) for run in Run.objects.all()] == [[], []]
    later(DAYS)
    assert left() == set()
    assert Tombstone.objects.count() == 3
    assert other.pk in set(Tombstone.objects.values_list("pk", flat=True))
    assert examine_site() == []
    assert Message.objects.filter(kind="erased").count() == 3


def test_only_ended_runs_of_procedures_with_a_retention_go(
    alice: User, bob: User, dave: User, settings: Any
) -> None:
    waiting = story(alice, bob, dave)
    forever = old_run(dave, "audited_part", note="a")
    keep("audited")
    later(400)
    assert {waiting.pk, forever.pk} <= left()

    configure(settings, RETENTION_DAYS=DAYS)
    later(1)
    assert forever.pk not in left()
    assert Run.objects.filter(pk=waiting.pk).exists()

    other = old_run(dave, "audited_part", note="a")
    keep("audited_part", 0)
    later(400)
    assert other.pk in left()


def test_holds_on_a_run_a_procedure_and_a_person_keep_records(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    keep("audited")
    child = Run.objects.get(parent_wait__run=run)
    subjects = [run, child, run.procedure, child.procedure, bob, dave]
    for subject in subjects:
        hold = place_hold(subject, by=dave, reason="Lawsuit.")
        assert str(subject) in str(hold)
        later(400)
        assert left() == {run.pk, child.pk}
        with pytest.raises(HoldRefusedError, match="There is a legal hold on"):
            place_hold(subject, by=dave, reason="Again.")
        release_hold(hold.pk, by=dave, reason="Settled.")
    told = Act.objects.filter(words__contains="legal hold").order_by("pk")
    assert [one.reason for one in told] == ["Lawsuit.", "Settled."] * len(subjects)

    place_hold(alice, by=dave, reason="She has nothing to do with it.")
    later(400)
    assert left() == set()
    with pytest.raises(HoldRefusedError, match="The record of this run was removed on"):
        place_hold(run, by=dave, reason="Too late.")
    with pytest.raises(ReasonError):
        place_hold(run.procedure, by=dave, reason=" ")


def test_a_person_is_held_by_name_in_a_subject_by_an_answer_and_by_what_they_operated(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    cases = {bob: True, dave: True, carol: False, alice: False}
    for person, is_concerned in cases.items():
        hold = place_hold(person, by=dave, reason="Lawsuit.")
        assert bool(holds_on(run)) is is_concerned, person
        release_hold(hold.pk, by=dave, reason="Settled.")
    Run.objects.filter(pk=run.pk).update(subject="Refund 31 € to Carol")
    place_hold(carol, by=dave, reason="Lawsuit.")
    assert holds_on(run)


def test_a_person_is_held_by_a_claim_that_was_given_up(
    alice: User, bob: User, carol: User, dave: User, finance: Group
) -> None:
    run = story(alice, bob, dave)
    advance_all(run)
    place_hold(carol, by=dave, reason="Lawsuit.")
    assert not holds_on(run)
    carol.groups.add(finance)
    claim_request(request_of(run).pk, by=carol)
    release_request(request_of(run).pk, by=carol)
    assert holds_on(run)


def test_any_number_of_held_people_costs_the_same_statements(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    counts = []
    for person in (alice, bob, carol, dave):
        place_hold(person, by=dave, reason="Lawsuit.")
        with CaptureQueriesContext(connection) as caught:
            holds_on(run)
        counts.append(len(caught))
    assert {one.user for one in holds_on(run)} == {bob, dave}
    assert len(set(counts)) == 1


@pytest.mark.parametrize("about", ["run", "request", "alert"])
def test_a_run_stays_until_its_reports_and_notifications_are_sent_or_given_up(
    about: str, alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    notice = Message.objects.filter(run=run, kind="notice").earliest("seq")
    subject = {"run": run, "request": request_of(run), "alert": notice}
    now, given = clock.now(), {about: subject[about]}
    planned = Notification(channel="webhook", recipient=dave, planned_at=now, **given)
    planned.next_try_at = now
    planned.save()
    keep("audited")
    later(DAYS + 1)
    assert run.pk in left()
    assert set(preview(run.procedure, DAYS).kept) == {"unsent"}

    planned.give_up("Nobody answers.")
    later(1.1)
    assert left() == set()


def test_only_the_title_of_the_run_that_opened_a_session_is_replaced(admin_user: User) -> None:
    opener = old_run(admin_user, "named_in_every_way", text="A word")
    session = Session.objects.get()
    other, _ = start_in_session(session, "audited_part", {"note": "a"}, by=admin_user)
    carry_on(other)
    title = session.title
    keep("audited_part")
    later(DAYS + 1)
    assert left() == {opener.pk}
    session.refresh_from_db()
    assert session.title == title != opener.procedure.title
    assert verify_journal(opener) == []
    assert Act.objects.get(kind="removal").words == (
        "The record of 1 run was removed after its retention."
    )

    keep("named_in_every_way")
    later(1.1)
    assert left() == set()
    session.refresh_from_db()
    assert session.title == opener.procedure.title
    assert examine_site() == []


def test_a_worker_leaves_a_round_to_another_one_that_has_moved_it(admin_user: User) -> None:
    keep("audited_part")
    old_run(admin_user, "audited_part", note="a")
    later(DAYS + 1)

    def another_worker(*_: Any) -> Iterator[tuple[UUID, str]]:
        RemovalRound.objects.update(place="[0]", kept=5)
        yield from ()

    hooks.keeps.append(another_worker)
    try:
        assert remove_old_runs(seconds=0) is False
    finally:
        hooks.keeps.remove(another_worker)
    found = RemovalRound.objects.get()
    assert (found.place, found.kept, found.removed, found.ended_at) == ("[0]", 5, 1, None)
    assert not Run.objects.exists()


def test_the_row_on_which_the_clock_notes_its_sweeps_is_locked_last(admin_user: User) -> None:
    keep("audited_part")
    run = old_run(admin_user, "audited_part", note="a")
    later(DAYS + 1)
    with CaptureQueriesContext(connection) as caught:
        assert remove_family(run.pk) == (1, None)
    said = [one["sql"] for one in caught]
    locked = [at for at, sql in enumerate(said) if _writes(sql, "UPDATE", Installation)]
    deleted = [at for at, sql in enumerate(said) if _writes(sql, "DELETE FROM", Run)]
    assert deleted
    assert max(deleted) < min(locked)
    if connection.vendor == "postgresql":
        table = Installation._meta.db_table  # noqa: SLF001 (Django documents it)
        updates = [at for at, sql in enumerate(said) if table in sql and "FOR NO KEY" in sql]
        assert max(deleted) < min(updates)


def _writes(sql: str, verb: str, model: type[models.Model]) -> bool:
    return sql.startswith(f'{verb} "{model._meta.db_table}"')  # noqa: SLF001 (Django documents it)


def test_a_changed_and_a_missing_tombstone_are_found(admin_user: User) -> None:
    keep("audited_part")
    runs = [old_run(admin_user, "audited_part", note=note) for note in "abc"]
    later(DAYS + 1)
    assert left() == set()
    assert examine_site() == []
    out = StringIO()
    call_command("verify_journal", str(runs[0].pk), stdout=out)
    assert "The record of this run was removed on" in out.getvalue()

    Tombstone.objects.filter(pk=runs[0].pk).update(status="failed", head_hash="0" * 64)
    assert [str(one) for one in examine_site()] == [
        f"Removed run {runs[0].pk}: the field {name} was changed after it was written."
        for name in ("status", "head_hash")
    ]
    with pytest.raises(CommandError):
        call_command("verify_journal", str(runs[0].pk), stdout=out)

    Tombstone.objects.filter(pk=runs[0].pk).delete()
    [fault] = examine_site()
    assert str(fault).endswith("its count of removed runs is 3, but these are missing: 1.")
    Installation.objects.update(removed=2)
    assert "the field removed was changed" in str(examine_site()[0])


def test_files_go_a_day_later_unless_somebody_has_used_the_same_bytes(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    keep("audited")
    kept, content = run.artifacts.get().digest, b"Only in the session."
    with use_file_store(ContentStore()):
        file = File.store("note.txt", content)
    notice = Message.objects.filter(run=run, kind="notice").earliest("seq")
    post_message(Session.objects.get(), "See.", by=dave, reply_to=notice, files=[file])
    later(DAYS + 1)
    assert left() == set()
    assert default_storage.exists(path_of(kept))
    assert default_storage.exists(path_of(file.digest))

    again = story_of_others(dave)
    later(1.1)
    remove_old_runs()
    assert not default_storage.exists(path_of(file.digest))
    assert default_storage.exists(path_of(kept))
    assert verify_journal(again) == []
    assert not StaleContent.objects.exists()


def story_of_others(by: User) -> Run:
    """A run that keeps a file with the same bytes as `story` does."""
    run, _ = start_run("audited", {"note": "32"}, by=by)
    carry_on(run)
    return run


def test_links_to_a_removed_run_say_so_to_those_who_could_see_it(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    request = request_of(run)
    keep("audited")
    later(DAYS + 1)
    assert left() == set()

    for path in (f"/runs/{run.pk}", f"/runs/{run.pk}/journal", f"/requests/{request.pk}"):
        gone = browser(dave).get(path)
        assert gone.status_code == 410
        assert "The record of this run was removed on" in shown(gone)
        assert browser(carol).get(path).status_code == 404
    told = caller(dave).get(f"/api/runs/{run.pk}")
    assert told.status_code == 410
    assert told.json()["detail"].startswith("The record of this run was removed on")
    hidden = caller(carol).get(f"/api/runs/{run.pk}")
    assert (hidden.status_code, hidden.json()) == (404, {"detail": NOTHING})
    assert caller(dave).get(f"/api/runs/{uuid7()}").status_code == 404
    session = Session.objects.get()
    assert "The record of this run was removed on" in shown(
        browser(dave).get(f"/chat/{session.pk}")
    )
    _, line = caller(dave).get(f"/api/sessions/{session.pk}/messages").json()["items"]
    assert line["kind"] == "erased"
    assert set(line["posted"]) == {"procedure", "days", "removed_on"}


def test_a_look_at_runs_that_are_kept_takes_the_same_statements_however_many_they_are(
    admin_user: User,
) -> None:
    keep("audited_part")
    place_hold(Procedure.objects.get(name="audited_part"), by=admin_user, reason="Lawsuit.")
    counts = []
    for count in (2, 10):
        for _ in range(count):
            old_run(admin_user, "audited_part", note="a")
        later(DAYS + 1)
        with CaptureQueriesContext(connection) as caught:
            remove_old_runs()
        counts.append(len(caught))
    assert counts[0] == counts[1]
    assert RemovalRound.objects.latest("pk").kept == 12


def test_the_feed_is_found_anew_by_the_same_statements_however_many_entries_stay(
    admin_user: User, dave: User
) -> None:
    dave.is_superuser = True
    dave.save()
    counts = []
    for many in (2, 6):
        old = old_run(dave, "named_in_every_way", text="A word")
        session = Session.objects.get(messages__run=old)
        for _ in range(many):
            start_in_session(session, "audited_part", {"note": "a"}, by=admin_user)
        carry_on(old)
        keep("named_in_every_way")
        later(DAYS + 1)
        with CaptureQueriesContext(connection) as caught:
            assert remove_family(old.pk) == (1, None)
        counts.append(len(caught))
        newest = dict(FeedEntry.objects.filter(session=session).values_list("audience", "newest"))
        assert f"user:{dave.pk}" not in newest
        last = Message.objects.filter(session=session).latest("seq")
        assert newest[f"user:{admin_user.pk}"] == last.pk
    assert counts[0] == counts[1]


def test_runs_are_found_by_the_index_of_ends(admin_user: User) -> None:
    keep("audited_part")
    run = old_run(admin_user, "audited_part", note="a")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = candidates(run.procedure_id, clock.now())[:100].explain()
    assert "countersign_ended_runs" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compares no bound values")
def test_events_that_name_files_are_found_by_their_index(admin_user: User) -> None:
    old_run(admin_user, "audited_part", note="a")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Event.objects.filter(NAMES_CONTENTS).order_by().values_list("data").explain()
    assert "countersign_events_with_files" in plan
