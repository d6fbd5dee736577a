"""A run that asks, and its answer over HTTP; prints what became of it, as JSON."""

import json
import os
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.headless.settings"
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402 (models need the loaded apps)
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from chat.models import HumanRequest, Notification  # noqa: E402
from procedures.models import Grant, Procedure, Run  # noqa: E402
from procedures.runner import advance_run  # noqa: E402

JSON = "application/json"


def tell_story() -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    call_command("check", verbosity=0)
    alice = User.objects.create(username="alice", email="alice@example.com")
    group = Group.objects.create(name="readers")
    alice.groups.add(group)
    question = Procedure.objects.get(name="question")
    for role in ("start", "answer"):
        Grant.objects.create(procedure=question, group=group, role=role)
    client = Client()
    started = client.post("/procedures/question/runs", {}, JSON)
    run = Run.objects.get()
    advance_run(run.pk)
    request = HumanRequest.objects.get()
    shown = client.get(f"/requests/{request.pk}")
    answered = client.post(f"/requests/{request.pk}/response", {"value": True}, JSON)
    advance_run(run.pk)
    run.refresh_from_db()
    return {
        "answers": [started.status_code, shown.status_code, answered.status_code],
        "silence": shown.json()["silence"],
        "status": run.status,
        "groups": sorted(Group.objects.values_list("name", flat=True)),
        "notifications": Notification.objects.count()
        + HumanRequest.objects.exclude(notify_at=None).count(),
    }


if __name__ == "__main__":
    print(json.dumps(tell_story()))  # noqa: T201
