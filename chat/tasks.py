"""What Celery calls."""

from celery import shared_task

from chat import services


@shared_task(name="chat.find_mails")
def find_mails() -> None:
    services.find_mails()


@shared_task(name="chat.ask_others")
def ask_others() -> None:
    services.ask_others()


@shared_task(name="chat.send_mail")
def send_mail(mail_id: object) -> None:
    """A broker may hand over anything: what is no id is let pass."""
    if isinstance(mail_id, int):
        services.send_mail(mail_id)
