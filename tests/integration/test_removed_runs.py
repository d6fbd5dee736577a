"""Records that are old enough are removed whole; a tombstone and a line are left of them."""

from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import models

from chat.models import FeedEntry, Message, Notification, Session
from chat.services import post_message
from chat.services.starts import start_in_session
from procedures.models import Act, Run, Tombstone
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from procedures.services import restart_run, verify_journal
from procedures.services.ledger import examine_site
from procedures.services.retention.previews import preview
from procedures.services.retention.rounds import remove_old_runs
from tests.audited_story import carry_on, finish, story
from tests.calls import caller, request_of
from tests.configured import configure
from tests.old_runs import DAYS, keep, later, left, old_run
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
NOTHING = "Not found, or you don't have access."
REACHES = {"countersign_procedures.Tombstone", "countersign_procedures.Act"}
"""The models whose rows may name a removed run: its tombstone, and the log of what people did."""


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
        "The records of 2 runs were removed after their retention period."
    )
    newest = set(FeedEntry.objects.values_list("newest", flat=True))
    assert newest == {Message.objects.latest("seq").pk}


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
        "The record of 1 run was removed after its retention period."
    )

    keep("named_in_every_way")
    later(1.1)
    assert left() == set()
    session.refresh_from_db()
    assert session.title == opener.procedure.title
    assert examine_site() == []


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
