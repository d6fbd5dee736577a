"""The addresses of messages in transcripts."""

from uuid import UUID

from django.urls import reverse


def path_to_message(session: UUID, message: UUID) -> str:
    """Return the address of a session's page that shows this message, however old it is."""
    page = reverse("countersign:session_detail", args=[session])
    return f"{page}?message={message}#message-{message}"
