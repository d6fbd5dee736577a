"""A secret that code has at hand stands on no page, in no mail, no log and no row."""

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from chat.models import HumanRequest, Notification
from chat.services import Answer, plan_notifications, respond, send_notification
from procedures.models import Run
from procedures.runner import advance_run
from tests.calls import request_of, run_until_it_waits
from tests.procedures import WORD

MASK = "**********"


def paths(run: Run, request: HumanRequest) -> list[str]:
    here, events = f"/runs/{run.pk}", list(run.events.values_list("pk", flat=True))
    return [
        "/",
        "/runs",
        here,
        f"{here}/journal",
        f"/requests/{request.pk}",
        f"/requests/{request.pk}/form",
        f"/chat/{request.session_id}",
        f"/chat/{request.session_id}/beside",
        f"/api{here}",
        f"/api{here}/events",
        f"/api/requests/{request.pk}",
        f"/admin/countersign_procedures/run/{run.pk}/change/",
        f"/admin/countersign_chat/humanrequest/{request.pk}/change/",
        *(f"/admin/countersign_procedures/event/{pk}/change/" for pk in events),
    ]


def rows() -> str:
    models = [model for model in apps.get_models() if model.__module__.split(".")[0] != "django"]
    return str([list(model._default_manager.values()) for model in models])  # noqa: SLF001


@pytest.mark.django_db
def test_a_secret_that_code_has_at_hand_stands_nowhere(
    admin_client: Client, admin_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    run = run_until_it_waits("signs_in", by=admin_user)
    request = request_of(run)
    seen = [admin_client.get(path) for path in paths(run, request)]
    respond(request.pk, Answer(value=True), by=admin_user)
    advance_run(run.pk)
    run.refresh_from_db()
    seen += [admin_client.get(path) for path in paths(run, request)]
    for _ in range(2):
        plan_notifications()
        for pk in Notification.objects.values_list("pk", flat=True):
            send_notification(pk)

    assert run.status == "failed"
    assert "Field required" in run.error
    shown = [page.content.decode() for page in seen if page.status_code == 200]
    assert len(shown) > len(seen) / 2
    assert any(MASK in text for text in shown)
    letters = [str(letter.message()) for letter in mail.outbox]
    for text in (*shown, *letters, rows(), caplog.text):
        assert WORD not in text
        assert WORD not in text.replace("\\", "")
