"""The requests of runs whose records were removed."""

from django.db import models

from procedures.models import Tombstone


class RemovedRequest(models.Model):
    """The id of a request that was removed with its run, so that links to it can say so."""

    id = models.UUIDField(primary_key=True, editable=False)
    tombstone = models.ForeignKey(Tombstone, models.CASCADE, related_name="requests")

    def __str__(self) -> str:
        return str(self.pk)
