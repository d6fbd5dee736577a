"""Visitors, who have a name and a password and nothing else."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import models


class Visitor(AbstractBaseUser):
    name = models.CharField(max_length=300)

    USERNAME_FIELD = "name"
