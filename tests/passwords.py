"""The hashing of passwords in tests."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRound(PBKDF2PasswordHasher):
    """Django's own way with one round for a million: what a test keeps, every process can check."""

    iterations = 1
