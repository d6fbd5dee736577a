"""Contents of files that no record may need any more."""

from django.db import models


class StaleContent(models.Model):
    """The digest of a content that a removed run has used.

    The content is deleted from the file store once a day has passed in which nobody has used the
    same bytes again. Whoever stores or keeps the bytes sets the time again; whoever deletes them
    locks the row first. So a content is never deleted between its use and the commit that refers to
    it.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    at = models.DateTimeField(db_index=True, help_text="The time of the latest use.")

    def __str__(self) -> str:
        return self.digest
