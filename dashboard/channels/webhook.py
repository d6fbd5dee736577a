"""Reports to external programs: Standard Webhooks whose bodies are CloudEvents in JSON."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from chat.channels import Channel, UndeliverableError
from chat.channels.planning import WEBHOOK
from chat.models import HumanRequest, Notification
from dashboard.channels.posting import LARGEST_BODY, ForbiddenAddressError, PostError, post
from procedures.conf import conf
from procedures.engine.journal.large import place_of
from procedures.engine.kinds.kind import Outcome
from procedures.models import Run
from procedures.models.clock import clock
from procedures.webhooks import find_webhook

GONE = 410
LARGEST_VALUE = 64 * 1024
"""The maximum size of an answer or a result in an event, in bytes. A larger one is left out."""
LEFT_OUT = ("comment", "value", "result", "prompt")
"""The fields of an event that are left out, in this order, until the event is small enough."""


class Webhook(Channel):
    """The channel by which a run's webhook is told how the run, or one of its requests, ended."""

    name = WEBHOOK
    reports = True

    def deliver(self, notification: Notification) -> None:
        """Send one report. If sending is tried again, the report has the same `webhook-id`."""
        name = run_of(notification).webhook
        target = find_webhook(name)
        if target is None:
            words = "Check WEBHOOKS with `manage.py check`."
            raise PostError(f"This site has no valid webhook named {name}. {words}")
        body = body_of(event_of(notification))
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "Countersign",
            **signed(id_of(notification), body, target.keys),
        }
        try:
            post(target.url, body, headers, to_loopback=conf.WEBHOOKS_TO_LOOPBACK)
        except ForbiddenAddressError as error:
            also = "WEBHOOKS_TO_LOOPBACK also allows addresses of this machine"
            raise UndeliverableError(
                f"{name}: {error} Reports are sent to public addresses only ({also})."
            ) from None
        except PostError as error:
            if error.status == GONE:
                raise UndeliverableError(
                    f"{name}: the receiver doesn't want any more reports (410)."
                ) from None
            raise PostError(f"{name}: {error}") from None


def id_of(notification: Notification) -> str:
    """Return the id of a report, in which an underscore replaces each full stop.

    In the signed content, full stops separate the id from the time and the body.
    """
    return "msg_" + notification.key.replace(".", "_")


def signed(message_id: str, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the headers of a report, with one signature for each key."""
    sent_at = str(int(clock.now().timestamp()))
    content = b".".join([message_id.encode(), sent_at.encode(), body])
    marks = [b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }


def run_of(notification: Notification) -> Run:
    run = notification.request.wait.run if notification.request else notification.run
    assert run
    return run


def event_of(notification: Notification) -> dict[str, Any]:
    """Return a report as a CloudEvent. The event is the same each time that sending is tried."""
    run, request = run_of(notification), notification.request
    ended = request.closed_at if request else run.ended_at
    assert ended
    about = f"request.{request.status}" if request else f"run.{run.status}"
    return {
        "specversion": "1.0",
        "id": id_of(notification),
        "source": f"{conf.SITE_URL}{reverse('countersign:run_detail', args=[run.pk])}",
        "type": f"countersign.{about}",
        "subject": str(request.pk if request else run.pk),
        "time": ended.isoformat(),
        "datacontenttype": "application/json",
        "data": _of_request(request) if request else _of_run(run),
    }


def body_of(event: dict[str, Any]) -> bytes:
    """Return an event as JSON.

    If the JSON is too large, fields of `LEFT_OUT` are left out, whose values the API also has.
    """
    body, data = _encoded(event), dict(event["data"])
    for name in LEFT_OUT:
        if len(body) > LARGEST_BODY and name in data:
            data |= {name: None, f"{name}_left_out": True}
            body = _encoded({**event, "data": data})
    return body


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _of_request(request: HumanRequest) -> dict[str, Any]:
    """Return how a request ended, in the fields that a report about a request has."""
    counted = request.responses.filter(undone_at=None).order_by("pk").last()
    answer = counted if request.status == HumanRequest.Status.ANSWERED else None
    is_by_default = request.outcome == Outcome.DEFAULTED
    default = request.asked.default if is_by_default else None
    return {
        "run": str(request.wait.run_id),
        "procedure": request.wait.run.procedure.name,
        "request": str(request.pk),
        "url": f"{conf.SITE_URL}{reverse('countersign:request_detail', args=[request.pk])}",
        "kind": request.kind,
        "prompt": request.prompt,
        "status": request.status,
        "outcome": request.outcome,
        "responder": request.closed_by,
        "comment": answer.comment if answer else request.closed_why,
        "timed_out": request.status == HumanRequest.Status.EXPIRED,
        **_value("value", answer.plain_value if answer else default),
    }


def _of_run(run: Run) -> dict[str, Any]:
    is_here = run.result is not None and not place_of(run.result)
    return {
        "run": str(run.pk),
        "procedure": run.procedure.name,
        "idempotency_key": run.idempotency_key,
        "status": run.status,
        **_value("result", json.loads(str(run.result)) if is_here else None),
    }


def _value(name: str, value: Any) -> dict[str, Any]:
    """Return a value under its name.

    If the value is too large, return None under its name, and True under a name such as
    "value_left_out".
    """
    is_large = len(_encoded(value)) > LARGEST_VALUE
    return {name: None, f"{name}_left_out": True} if is_large else {name: value}
