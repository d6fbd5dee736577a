"""Forty requests as sites ask them, for a reader who says what they would decide."""
