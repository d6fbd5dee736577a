"""The addresses of messages in transcripts, and of runs in lists."""

from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.urls import get_script_prefix, get_urlconf, reverse

NO_RUN = UUID(int=0)


def path_to_message(session: UUID, message: UUID) -> str:
    """Return the address of a session's page that shows this message, however old it is."""
    page = reverse("countersign:session_detail", args=[session])
    return f"{page}?message={message}#message-{message}"


def path_to_run(run: UUID) -> str:
    """Return the address of a run's page, without the search that `reverse` makes each time."""
    pattern = _path_to_any(get_script_prefix(), get_urlconf() or settings.ROOT_URLCONF)
    return pattern.replace(str(NO_RUN), str(run))


@lru_cache(maxsize=16)
def _path_to_any(_prefix: str, _urlconf: str) -> str:
    return reverse("countersign:run_detail", args=[NO_RUN])
