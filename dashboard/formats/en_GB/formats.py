"""Formats of times for the locale en_GB; Django finds this module by its name."""

TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "j M Y, H:i:s T"
SHORT_DATETIME_FORMAT = "d/m/Y H:i:s T"
