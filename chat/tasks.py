"""Celery tasks."""

from celery import shared_task

from chat import services
from procedures.services import gate


@shared_task(name="countersign.find_mails")
def find_mails() -> None:
    if gate.is_open():
        services.find_mails()


@shared_task(name="countersign.ask_others")
def ask_others() -> None:
    if gate.is_open():
        services.ask_others()


@shared_task(name="countersign.send_mail")
def send_mail(mail_id: object) -> None:
    """Send a planned mail; anything that is no id is ignored, because brokers deliver anything."""
    if isinstance(mail_id, int) and gate.is_open():
        services.send_mail(mail_id)
