"""Where pages find their styles and scripts."""

import logging

from servestatic.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped
    """Names files by their content; where `collectstatic` has not run, by their plain names.

    Pages then look as they should, and are only cached less well.
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
