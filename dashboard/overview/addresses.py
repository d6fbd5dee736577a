"""The addresses of parts of pages."""

from uuid import UUID

from django.urls import reverse


def path_to_message(session: UUID, message: UUID) -> str:
    """Return the address that opens a session at a message, however long ago it was written."""
    page = reverse("countersign:session_detail", args=[session])
    return f"{page}?message={message}#message-{message}"
