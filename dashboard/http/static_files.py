"""Static files of the pages."""

import logging

from servestatic.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped
    """A storage with hashed file names, or plain ones if `collectstatic` hasn't run.

    With plain names, pages look right but are cached less well.
    """

    has_warned = False

    def stored_name(self, name: str) -> str:
        try:
            return str(super().stored_name(name))
        except ValueError:
            if not ManifestStorage.has_warned:
                ManifestStorage.has_warned = True
                logger.warning("%s is not collected: run manage.py collectstatic.", name)
            return name
