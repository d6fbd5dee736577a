"""Celery tasks."""

from celery import shared_task

from chat import services
from procedures.services import gate


@shared_task(name="countersign.plan_notifications")
def plan_notifications() -> None:
    if gate.is_open():
        services.remind_people()
        services.plan_notifications()


@shared_task(name="countersign.ask_others")
def ask_others() -> None:
    if gate.is_open():
        services.ask_others()
        services.note_stuck_votes()


@shared_task(name="countersign.send_notification")
def send_notification(notification_id: object) -> None:
    """Deliver a planned notification; ignore an invalid id, since a broker can deliver anything."""
    if isinstance(notification_id, int) and gate.is_open():
        services.send_notification(notification_id)
