"""Requests as people answer them on their pages: what is sent, kept and given to the run."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chat.models import HumanRequest
from procedures.models import Run
from procedures.runner import advance_run
from tests.pages import HTMX, shown

NESTED = {
    "field-to.city": "Ulm",
    "field-to.floor": "3",
    "field-lines": ["0", "2"],
    "field-lines.0.thing": "lamp",
    "field-lines.0.price": "31.20",
    "field-lines.2.thing": "shade",
    "field-lines.2.price": "2",
    "field-at": "2026-07-01T09:30",
    "field-at~zone": "Europe/Berlin",
    "field-lasts": "3h",
    "field-counts": "1\r\n2",
}
"""The fields that a page sends for the form “nested”, with two rows."""


def page(client: Client, request: HumanRequest) -> str:
    return shown(client.get(f"/requests/{request.pk}"))


def send(client: Client, request: HumanRequest, **fields: Any) -> Any:
    return client.post(f"/requests/{request.pk}/response", fields, headers=HTMX)


def value_of(request: HumanRequest) -> Any:
    return request.responses.get().plain_value


def result_of(request: HumanRequest) -> str:
    advance_run(request.wait.run_id)
    run = Run.objects.get(pk=request.wait.run_id)
    assert run.status == "succeeded", run.error
    return run.result or ""


def paper(name: str = "a.txt", content: bytes = b"one") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/plain")
