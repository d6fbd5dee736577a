"""Messages between customers and the shop."""

from django.db import models


class Message(models.Model):
    text = models.TextField()

    objects: "models.Manager[Message]" = models.Manager()

    def __str__(self) -> str:
        return self.text
